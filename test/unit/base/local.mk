check_PROGRAMS += test/unit/base/unit_base
test_unit_base_unit_base_SOURCES = \
	test/unit/base/test_arena.c \
	test/unit/base/test_base64.c \
	test/unit/base/test_buf.c \
	test/unit/base/test_clock.c \
	test/unit/base/test_digest.c \
	test/unit/base/disk_rig.h \
	test/unit/base/test_disk_sim.c \
	test/unit/base/test_disk_sim_crash.c \
	test/unit/base/test_err.c \
	test/unit/base/test_fault.c \
	test/unit/base/test_fsm.c \
	test/unit/base/test_json.c \
	test/unit/base/test_list.c \
	test/unit/base/test_log.c \
	test/unit/base/test_mem.c \
	test/unit/base/test_pack.c \
	test/unit/base/test_panic.c \
	test/unit/base/test_random.c \
	test/unit/base/test_slice.c \
	test/unit/base/test_task.c \
	test/unit/base/test_timer.c \
	test/unit/base/test_tree.c \
	test/unit/base/test_uidset.c \
	test/unit/base/test_unicode.c \
	test/unit/base/test_units.c
test_unit_base_unit_base_LDADD = $(BASE_STACK) $(CRITERION_LIBS)
