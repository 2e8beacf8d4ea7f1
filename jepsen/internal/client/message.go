package client

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand"
	"strings"
)

// Message is the message of that id: equal ids and sizes, equal octets. The
// size is what it has at least.
func Message(id string, size int) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "From: jepsen@example.org\r\nTo: %s@example.org\r\n"+
		"Subject: message %s\r\nMessage-ID: <%s@jepsen>\r\n"+
		"Date: Tue, 24 Nov 2026 18:00:00 +0000\r\n\r\n", "user", id, id)
	hash := fnv.New64a()
	hash.Write([]byte(id))
	draws := rand.New(rand.NewSource(int64(hash.Sum64())))
	line := make([]byte, 36)
	for {
		draws.Read(line)
		out.WriteString(hex.EncodeToString(line))
		out.WriteString("\r\n")
		if out.Len() >= size {
			return []byte(out.String())
		}
	}
}

// Digest is the SHA-256 of octets, as text.
func Digest(octets []byte) string {
	sum := sha256.Sum256(octets)
	return hex.EncodeToString(sum[:])
}

// MessageID takes the id out of a header field that Message has written.
func MessageID(header string) string {
	end := strings.Index(header, "@jepsen>")
	if end < 0 {
		return ""
	}
	start := strings.LastIndex(header[:end], "<")
	if start < 0 {
		return ""
	}
	return header[start+1 : end]
}
