# What configure.ac is written in: libraries are collected, not insisted on one
# by one, so that one run of configure names all that is missing.

# MURDER_MISSING(WHAT, DEBIAN-PACKAGE)
# Notes that WHAT was not found; MURDER_REPORT_MISSING tells.
AC_DEFUN([MURDER_MISSING],
[murder_missing="$murder_missing
    $1 (Debian package $2)"
AS_CASE(["$murder_packages "],
	[*" $2 "*], [],
	[murder_packages="$murder_packages $2"])])

# MURDER_PKG(VARIABLE, MODULE [VERSION], DEBIAN-PACKAGE)
# A library with a pkg-config file: sets VARIABLE_CFLAGS and VARIABLE_LIBS.
AC_DEFUN([MURDER_PKG],
[PKG_CHECK_MODULES([$1], [$2], [], [MURDER_MISSING([$2], [$3])])])

# MURDER_LIB(VARIABLE, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE)
# A library without one: sets VARIABLE_LIBS.
AC_DEFUN([MURDER_LIB],
[AC_ARG_VAR([$1_LIBS], [linker flags for lib$3])
murder_found=no
AC_CHECK_HEADER([$2],
	[AC_CHECK_LIB([$3], [$4], [murder_found=yes])])
AS_IF([test "x$murder_found" = xyes],
	[: "${$1_LIBS=-l$3}"],
	[MURDER_MISSING([lib$3 with $4], [$5])])])

# MURDER_REPORT_MISSING
# Ends configure with the whole list, if there is one.
AC_DEFUN([MURDER_REPORT_MISSING],
[AS_IF([test "x$murder_missing" != x],
	[AC_MSG_ERROR([these are needed and were not found:
$murder_missing

On Debian and Ubuntu install them with

    apt-get install$murder_packages

(the file "packages" lists all that building and testing needs)])])])

# MURDER_FLAGS(VARIABLE, FLAGS)
# Appends those of FLAGS that the compiler takes, when compiling and linking.
AC_DEFUN([MURDER_FLAGS],
[murder_save_CFLAGS=$CFLAGS
for murder_flag in m4_normalize([$2]); do
	AC_MSG_CHECKING([whether $CC takes $murder_flag])
	CFLAGS="$murder_save_CFLAGS -Werror $murder_flag"
	AC_LINK_IFELSE([AC_LANG_PROGRAM],
		[AC_MSG_RESULT([yes])
		AS_VAR_APPEND([$1], [" $murder_flag"])],
		[AC_MSG_RESULT([no])])
done
CFLAGS=$murder_save_CFLAGS
AC_SUBST([$1])])

# MURDER_ENABLE(NAME, HELP)
# A switch that is off by default: sets enable_NAME to yes or no.
AC_DEFUN([MURDER_ENABLE],
[AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])],
	[], [enable_$1=no])])
