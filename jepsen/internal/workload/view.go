package workload

import (
	"fmt"

	"murder/jepsen/internal/client"
)

// view is the mailbox as untagged data has told it: which UID stands at which
// sequence number. 0 is one that was not told yet.
type view struct {
	uids  []uint32
	wrong string // the first contradiction
}

// viewMax is above what any key holds.
const viewMax = 100000

func (v *view) see(u *client.Untagged) {
	switch u.Name {
	case "EXISTS":
		v.exists(u.Number)
	case "EXPUNGE":
		v.expunge(u.Number)
	case "VANISHED":
		v.vanished(u)
	case "FETCH":
		if len(u.Values) == 1 {
			v.fetch(u.Number, uint32(client.Items(u.Values[0])["UID"].Num()))
		}
	}
}

func (v *view) fail(format string, args ...interface{}) {
	if v.wrong == "" {
		v.wrong = fmt.Sprintf(format, args...)
	}
}

func (v *view) exists(count int) {
	if count < len(v.uids) {
		v.fail("EXISTS fell from %d to %d", len(v.uids), count)
		return
	}
	for len(v.uids) < count && count < viewMax {
		v.uids = append(v.uids, 0)
	}
}

func (v *view) expunge(number int) {
	if number < 1 || number > len(v.uids) {
		v.fail("EXPUNGE %d of %d messages", number, len(v.uids))
		return
	}
	v.uids = append(v.uids[:number-1], v.uids[number:]...)
}

// vanished is EXPUNGE by UID, of sessions with QRESYNC; EARLIER is of the time
// before the view.
func (v *view) vanished(u *client.Untagged) {
	if len(u.Values) != 1 {
		return
	}
	gone := map[uint32]bool{}
	uids, _ := client.ParseSet(u.Values[0].Text)
	for _, uid := range uids {
		gone[uid] = true
	}
	var rest []uint32
	for _, uid := range v.uids {
		if !gone[uid] {
			rest = append(rest, uid)
		}
	}
	v.uids = rest
}

func (v *view) fetch(number int, uid uint32) {
	if number < 1 || number > len(v.uids) {
		v.fail("FETCH %d of %d messages", number, len(v.uids))
		return
	}
	if known := v.uids[number-1]; uid != 0 && known != 0 && known != uid {
		v.fail("message %d was UID %d and is %d", number, known, uid)
	}
	if uid != 0 {
		v.uids[number-1] = uid
	}
}
