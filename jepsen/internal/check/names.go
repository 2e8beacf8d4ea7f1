package check

const (
	FRegisterRead = "read-flags"
	FResync       = "resync"
)
