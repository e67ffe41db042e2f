# make install, make uninstall: the programs, their man pages, the shell's completion.
#
# Last of the folders, so it sees every program; those for tests stay here.
MANDIR        ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

install_PROGRAMS := $(filter-out $(TEST_PROGRAMS) fuzz-%,$(PROGRAMS))
man_PAGES := $(wildcard $(foreach n,1 2 3 4 5 6 7 8,docs/*.$n docs/man/*.$n))

.PHONY: install-programs install-man install-completion uninstall-programs uninstall-man uninstall-completion
install: install-programs install-man install-completion
uninstall: uninstall-programs uninstall-man uninstall-completion

install-programs: $(install_PROGRAMS:%=$(B)/bin/%)
	$(call say,INST,$(DESTDIR)$(BINDIR))
	$(Q)install -d $(DESTDIR)$(BINDIR)
	$(Q)install -m 0755 $^ $(DESTDIR)$(BINDIR)

uninstall-programs:
	rm -f $(install_PROGRAMS:%=$(DESTDIR)$(BINDIR)/%)

install-man:
	$(call say,INST,$(DESTDIR)$(MANDIR))
	$(Q)for page in $(man_PAGES); do \
		install -D -m 0644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

uninstall-man:
	rm -f $(foreach p,$(man_PAGES),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $p))/$(notdir $p))

# The programs write their own.
COMPLETES := vmprov vmprov-hostctl
install-completion: $(COMPLETES:%=$(B)/bin/%)
	$(Q)for p in $(COMPLETES); do \
		$(B)/bin/$$p completion bash > $(B)/$$p.bash && install -D -m 0644 $(B)/$$p.bash $(DESTDIR)$(COMPLETIONDIR)/$$p || exit 1; \
	done

uninstall-completion:
	rm -f $(COMPLETES:%=$(DESTDIR)$(COMPLETIONDIR)/%)
