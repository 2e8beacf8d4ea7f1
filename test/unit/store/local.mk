check_PROGRAMS += test/unit/store/unit_store
test_unit_store_unit_store_SOURCES = \
	test/unit/store/body_life.c test/unit/store/body_life.h \
	test/unit/store/body_world.c test/unit/store/body_world.h \
	test/unit/store/crew.c test/unit/store/crew.h \
	test/unit/store/host_disk.c test/unit/store/host_disk.h \
	test/unit/store/power.c test/unit/store/power.h \
	test/unit/store/test_body.c \
	test/unit/store/test_body_crash.c \
	test/unit/store/test_body_faults.c \
	test/unit/store/test_body_record.c \
	test/unit/store/test_body_sweep.c \
	test/unit/store/test_body_threads.c \
	test/unit/store/test_checkpoint.c \
	test/unit/store/test_copy.c \
	test/unit/store/test_deaths.c \
	test/unit/store/test_env.c \
	test/unit/store/test_key.c
test_unit_store_unit_store_LDADD = $(STORE_STACK) $(CRITERION_LIBS)
