# Manual pages, if scdoc was found.

EXTRA_DIST += man/murderd.8.scd man/murderctl.8.scd man/murderd.conf.5.scd

if HAVE_SCDOC
man5_MANS = man/murderd.conf.5
man8_MANS = man/murderd.8 man/murderctl.8
CLEANFILES += $(man5_MANS) $(man8_MANS)

man/%: $(srcdir)/man/%.scd
	$(AM_V_GEN)$(MKDIR_P) man && $(SCDOC) <$< >$@.tmp && mv $@.tmp $@
endif
