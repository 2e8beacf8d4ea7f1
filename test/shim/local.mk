# The disk that loses power, for programs under LD_PRELOAD (test/shim/shim.h).
#
# A shared object without libtool: a program, linked as what it is. It has none
# of the sanitizers: it stands behind theirs. Ubuntu's compiler fortifies by
# itself, which would declare, and call, what the shim defines.

EXTRA_DIST += test/shim/run test/shim/powercut.py test/shim/disk_model.py
SHIM = test/shim/faultshim.so
EXTRA_PROGRAMS += $(SHIM)
CLEANFILES += $(SHIM)
test_shim_faultshim_so_SOURCES = \
	test/shim/faultshim.c \
	test/shim/files.c \
	test/shim/names.c \
	test/shim/refuse.c \
	test/shim/rules.c \
	test/shim/shim.h \
	test/shim/undo.c
test_shim_faultshim_so_CPPFLAGS = -U_FORTIFY_SOURCE -D_GNU_SOURCE \
	-iquote $(top_srcdir)
test_shim_faultshim_so_CFLAGS = -std=gnu11 -pthread -fPIC $(WARN_CFLAGS)
test_shim_faultshim_so_LDFLAGS = -shared -pthread
