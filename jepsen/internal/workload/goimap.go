package workload

import "murder/jepsen/internal/gen"

func newGoIMAPClient(e *Env, draws *gen.Stream) Client {
	return &appendClient{newSession(e, draws, nil)}
}
