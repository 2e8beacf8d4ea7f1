package check

// Functions of the workloads with flags.
const (
	FWrite        = "write"      // STORE FLAGS ($v): sets the register
	FCAS          = "cas"        // the same, UNCHANGEDSINCE
	FRegisterRead = "read-flags" // FETCH FLAGS MODSEQ
	FSetBits      = "set-bits"   // STORE +FLAGS
	FClearBits    = "clear-bits" // STORE -FLAGS
)

// FlagIn is the argument of a change of flags: a keyword used nowhere else, or
// which of the four bits.
type FlagIn struct {
	Value string `json:"value,omitempty"`
	Bits  uint8  `json:"bits,omitempty"`
}

// FlagOut is what a change, or a read, of flags has seen. Modseq 0: not told.
type FlagOut struct {
	Value    string `json:"value"`
	Bits     uint8  `json:"bits"`
	Modseq   uint64 `json:"modseq"`
	Since    uint64 `json:"since,omitempty"`    // of a cas
	Modified bool   `json:"modified,omitempty"` // the cas was refused: changed since
}

// Functions of the workload expunge.
const (
	FExpunge = "expunge"
	FResync  = "resync"
)

// ExpungeIn says how: UID EXPUNGE, EXPUNGE or CLOSE.
type ExpungeIn struct {
	How string `json:"how"`
}

// ExpungeOut names the message; 0: the mailbox was empty.
type ExpungeOut struct {
	UID uint32 `json:"uid"`
}

// ResyncOut is what QRESYNC said of the time since a mailbox was seen.
type ResyncOut struct {
	Since    uint64   `json:"since"`    // HIGHESTMODSEQ then
	Next     uint32   `json:"next"`     // UIDNEXT then
	Known    []uint32 `json:"known"`    // UIDs then
	Vanished []uint32 `json:"vanished"` // EARLIER
	Now      []uint32 `json:"now"`
}

// Functions of the workload move.
const (
	FMove     = "move"
	FPair     = "read-pair"
	FBankRead = "read-bank"
)

// MoveIn names two mailboxes.
type MoveIn struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// MoveOut says which token it was and where it went. UID: in the target.
type MoveOut struct {
	Token string `json:"token"`
	UID   uint32 `json:"uid"`
}

// PairOut is what two mailboxes held, read one after the other.
type PairOut struct {
	From []string `json:"from"`
	To   []string `json:"to"`
}

// BankOut is what each mailbox holds.
type BankOut struct {
	Boxes map[string][]Row `json:"boxes"`
}
