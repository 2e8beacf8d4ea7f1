/*
 * What the models in Promela share.
 *
 * PROPERTY: must hold here; the trace of a counterexample names it.
 * REACHED: must be reached somewhere, or the model shows nothing. With -DCOVER
 * pan says each once (cover.h), and `run` looks for all of them.
 */
#define PROPERTY(name, condition) \
	if \
	:: condition \
	:: else -> \
		printf("!    "); \
		printf(#name); \
		printf(" falls\n"); \
		assert(false) \
	fi

#ifdef COVER
c_decl {
	\#include "cover.h"
};
#define REACHED(name, condition) \
	if \
	:: condition -> c_code { cover(#name); } \
	:: else \
	fi
#else
#define REACHED(name, condition) skip
#endif

#define BIT(n) (1 << (n))
#define HAS(set, n) (((set) >> (n)) & 1)
