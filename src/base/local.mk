# The ground floor: everything may include it, it includes nothing of ours.

LIB_BASE = src/base/libbase.a
noinst_LIBRARIES += $(LIB_BASE)
src_base_libbase_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/attr.h \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/digest.c src/base/digest.h \
	src/base/disk.h \
	src/base/disk_sim.c src/base/disk_sim.h \
	src/base/disk_sim_data.c src/base/disk_sim_data.h \
	src/base/disk_sim_names.c src/base/disk_sim_names.h \
	src/base/err.c src/base/err.h \
	src/base/fault.c src/base/fault.h \
	src/base/fsm.c src/base/fsm.h \
	src/base/json.c src/base/json.h \
	src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/pack.c src/base/pack.h \
	src/base/panic.c src/base/panic.h \
	src/base/random.c src/base/random.h \
	src/base/slice.c src/base/slice.h \
	src/base/task.c src/base/task.h \
	src/base/timer.c src/base/timer.h \
	src/base/tree.c src/base/tree.h \
	src/base/uidset.c src/base/uidset.h \
	src/base/unicode.c src/base/unicode.h \
	src/base/units.c src/base/units.h
