package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// EDN is the event as a map of Jepsen, for Elle and Knossos.
func EDN(event *Event) string {
	process := ":nemesis"
	if event.P != Nemesis {
		process = strconv.Itoa(int(event.P))
	}
	value := "nil"
	if len(event.V) > 0 {
		value = ednValue(event.V)
	}
	if event.K != "" {
		value = fmt.Sprintf("[%s %s]", strconv.Quote(event.K), value)
	}
	return fmt.Sprintf("{:index %d, :time %d, :process %s, :type :%s, "+
		":f :%s, :value %s}", event.I, event.T*1000, process, event.Type,
		event.F, value)
}

func ednValue(octets json.RawMessage) string {
	decoder := json.NewDecoder(bytes.NewReader(octets))
	decoder.UseNumber()
	var value interface{}
	if decoder.Decode(&value) != nil {
		return "nil"
	}
	return ednOf(value)
}

func ednOf(value interface{}) string {
	switch v := value.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(v)
	case []interface{}:
		parts := make([]string, len(v))
		for i, part := range v {
			parts[i] = ednOf(part)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case map[string]interface{}:
		return ednMap(v)
	}
	return fmt.Sprint(value) // a number or a truth value
}

func ednMap(value map[string]interface{}) string {
	names := make([]string, 0, len(value))
	for name := range value {
		names = append(names, name)
	}
	sort.Strings(names)
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = ":" + name + " " + ednOf(value[name])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
