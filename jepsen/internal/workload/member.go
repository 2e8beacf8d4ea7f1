package workload

import "murder/jepsen/internal/check"

func init() { register(memberLoad{appendLoad{"member"}}) }

// memberLoad is append while nodes come and go, with an eye on the
// configurations in the log.
type memberLoad struct{ appendLoad }

func (m memberLoad) Checkers() []check.Checker {
	return append(m.appendLoad.Checkers(), check.Func(check.Members))
}
