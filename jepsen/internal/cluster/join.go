package cluster

import (
	"encoding/json"
	"errors"
	"net"
)

// Conn is a client's connection.
type Conn = net.Conn

// tokenOf takes the token out of what `murderctl token create` prints.
func tokenOf(out []byte) (string, error) {
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", errors.New("token create gave no token")
	}
	return answer.Token, nil
}
