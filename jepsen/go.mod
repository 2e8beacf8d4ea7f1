module murder/jepsen

go 1.19

require (
	github.com/anishathalye/porcupine v0.1.4
	golang.org/x/sys v0.20.0
)
