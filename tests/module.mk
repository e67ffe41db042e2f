# Unit tests (Check), fuzz targets with their corpora, system tests against the real servers, benches.
# policyd's coa process without its loop.
coa_TESTED := $(filter-out policyd/coa/coa.c,$(sort $(wildcard policyd/coa/*.c)))
# Of hostd; tests/unit/guests_stub.c and policyd_stub.c stand for what they talk to.
hostd_TESTED := $(addprefix hostd/,attach_libvirt.c bundle.c cidata.c config.c domain_xml.c \
	ledger.c link_linux.c metrics.c passwords.c report.c serve.c source_alias.c source_libvirt.c source_netlink.c uplink_frame.c \
	uplink_turn.c warden_serve.c watch_libvirt.c watch_tell.c)
unit_SRCS := $(sort $(wildcard tests/unit/*.c)) policyd/message.c policyd/net/body.c $(coa_TESTED) $(hostd_TESTED)
unit_ARCHIVES = $(B)/libvmprovev.a
unit_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) -ljansson -lcsv -lsmartcols -levent -lmnl -lvirt -lxml2 -larchive -lseccomp $(FREERADIUS_LIBS)
CFLAGS_tests = -Ipolicyd -Ihostd -Irelayd -Ievlib -Imember -DWIRE_DIR='"$(CURDIR)/tests/wire"' -DCOA_DIALECTS='"$(CURDIR)/policyd/coa-dialects.conf"'
PROGRAMS += unit
# hostd's guests process with stand-ins for all that is outside of it: time, interfaces, policyd, switches.
unit-hostd_SRCS := $(sort $(wildcard tests/unit/hostd/*.c)) $(addprefix tests/unit/,authenticator.c clock_stub.c folder.c port.c tls_server.c) \
	$(addprefix hostd/,config.c guest.c guest_report.c metrics.c nic.c serve.c uplink.c uplink_fence.c uplink_frame.c uplink_turn.c)
unit-hostd_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
PROGRAMS += unit-hostd
# evlib against servers on loopback.
unit-evlib_SRCS := $(sort $(wildcard tests/unit/evlib/*.c)) $(addprefix tests/unit/,folder.c maker.c tls_world.c)
unit-evlib_ARCHIVES = $(B)/libvmprovev.a
unit-evlib_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) $(evlib_LIBS)
PROGRAMS += unit-evlib
# gatewayd's broker with stand-ins for its servers, and its filters with one for nftables.
gatewayd_TESTED := $(addprefix gatewayd/,ask.c broker.c child.c commit.c config.c parent.c plan.c product.c report.c server_answer.c vm_request.c \
	filter.c filter_compile.c filter_counts.c filter_elements.c filter_read.c filter_rules.c filter_writer.c)
unit-gatewayd_SRCS := $(sort $(wildcard tests/unit/gatewayd/*.c)) tests/unit/folder.c $(gatewayd_TESTED)
unit-gatewayd_ARCHIVES = $(member_ARCHIVES)
unit-gatewayd_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) $(member_LIBS)
PROGRAMS += unit-gatewayd
# All that relayd reads and decides by, its configuration among it.
relayd_TESTED := $(addprefix relayd/,authority.c connect.c filter.c ntp_packet.c ntp_pending.c peers.c syslog_frame.c via.c)
unit-relayd_SRCS := $(sort $(wildcard tests/unit/relayd/*.c)) tests/unit/folder.c $(relayd_TESTED) relayd/config.c
unit-relayd_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
PROGRAMS += unit-relayd
# member's engine with stand-ins for WireGuard, the kernel, policyd and the clock.
peers_TESTED := $(addprefix member/,adopt.c endpoint.c fib.c member.c member_key.c member_metrics.c member_site.c member_status.c \
	offers.c pair.c pair_held.c pair_tunnel.c peer.c peer_entry.c peers.c prefix.c traffic.c)
unit-peers_SRCS := $(sort $(wildcard tests/unit/peers/*.c)) $(addprefix tests/unit/,folder.c member/namespace.c) $(peers_TESTED)
unit-peers_ARCHIVES = $(B)/libvmprovev.a
unit-peers_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) $(evlib_LIBS)
PROGRAMS += unit-peers
$(B)/obj/tests/unit/peers/%.o: CFLAGS_tests = -Imember -Ievlib
# member, in a network namespace of its own if it may.
unit-member_SRCS := $(sort $(wildcard tests/unit/member/*.c)) $(addprefix tests/unit/,evlib/client_stage.c evlib/web.c folder.c maker.c tls_world.c)
unit-member_ARCHIVES = $(member_ARCHIVES)
unit-member_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) $(member_LIBS)
PROGRAMS += unit-member
# What coid reads, keeps and decides, with stand-ins for servers and for its membership.
unit-coid_SRCS := $(sort $(wildcard tests/unit/coid/*.c)) tests/unit/folder.c $(addprefix coid/,bundle.c cidata.c config.c holder.c join.c licence.c show.c talk.c)
unit-coid_ARCHIVES = $(member_ARCHIVES)
unit-coid_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null) $(member_LIBS) -larchive -lsmartcols
PROGRAMS += unit-coid
# Each program has a config.h.
$(B)/obj/tests/unit/gatewayd/%.o: CFLAGS_tests = -Igatewayd -Imember -Ievlib
$(B)/obj/tests/unit/relayd/%.o: CFLAGS_tests = -Irelayd -Ievlib
$(B)/obj/tests/unit/coid/%.o: CFLAGS_tests = -Icoid -Imember -Ievlib
$(B)/obj/tests/unit/member/%.o: CFLAGS_tests = -Imember -Ievlib
TEST_PROGRAMS := unit unit-hostd unit-evlib unit-gatewayd unit-relayd unit-coid unit-member unit-peers das eapol-play badlink coiflow coi-play cidata-make talkback ntp-play radhex radload vmprov-open estload estbare leaseload

radhex_SRCS := tests/system/radhex.c
radhex_LIBS := -lcrypto
radload_SRCS := $(sort $(wildcard tests/bench/radload*.c)) tests/bench/args.c
radload_LIBS := -lcrypto
vmprov-open_SRCS := tests/system/vmprov_open.c
PROGRAMS += radhex radload vmprov-open
eapol-play_SRCS := tests/system/eapol_play.c
PROGRAMS += eapol-play
das_SRCS := $(sort $(wildcard tests/system/das*.c))
das_LIBS := -lcrypto
PROGRAMS += das
ntp-play_SRCS := tests/system/ntp_play.c
PROGRAMS += ntp-play
badlink_SRCS := tests/system/badlink.c
badlink_LIBS := -levent
PROGRAMS += badlink
coiflow_SRCS := tests/system/coiflow.c
PROGRAMS += coiflow
cidata-make_SRCS := tests/system/cidata_make.c hostd/cidata.c
cidata-make_LIBS := -larchive -levent
PROGRAMS += cidata-make
talkback_SRCS := tests/system/talkback.c
PROGRAMS += talkback
coi-play_SRCS := $(sort $(wildcard tests/system/coi_play*.c))
PROGRAMS += coi-play
estload_SRCS := $(sort $(wildcard tests/bench/estload*.c)) tests/bench/args.c
estload_LIBS := -lssl -lcrypto
estbare_SRCS := $(sort $(wildcard tests/bench/bare*.c)) tests/bench/estload_http.c tests/bench/args.c
estbare_LIBS := -lssl -lcrypto
leaseload_SRCS := $(sort $(wildcard tests/bench/leaseload*.c)) $(addprefix tests/bench/,args.c estload_conn.c estload_fleet.c estload_http.c \
	estload_phase.c estload_stat.c) tests/unit/lease_holder.c
leaseload_LIBS := -lssl -lcrypto
PROGRAMS += estload estbare leaseload

# -- fuzzing: tests/fuzz/fuzz_NAME.c.  `make check` replays each corpus without a fuzzer. ----------
fuzz_NAMES := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
# Decoders of a program's own.
fuzz_EXTRA_message := policyd/message.c
fuzz_EXTRA_body := policyd/net/body.c
fuzz_EXTRA_coa_answer := policyd/coa/packet.c tests/unit/das.c
fuzz_EXTRA_coa_files := $(addprefix policyd/coa/,dialect.c job.c packet.c secret.c)
fuzz_EXTRA_coa_job := policyd/coa/job.c policyd/coa/request.c
fuzz_EXTRA_relay_request := $(addprefix relayd/,authority.c connect.c)
fuzz_EXTRA_relay_answer := $(fuzz_EXTRA_relay_request)
fuzz_EXTRA_relay_syslog := $(addprefix relayd/,filter.c ntp_packet.c syslog_frame.c)
fuzz_EXTRA_relay_ntp := $(fuzz_EXTRA_relay_syslog)
fuzz_EXTRA_relay_filter := $(fuzz_EXTRA_relay_syslog)
fuzz_EXTRA_control := $(addprefix hostd/,hook.c metrics.c order.c)
fuzz_EXTRA_alias := hostd/source_alias.c
fuzz_EXTRA_domain_xml := hostd/domain_xml.c
fuzz_EXTRA_link := $(addprefix hostd/,link_linux.c source_alias.c source_netlink.c) tests/unit/guests_stub.c
fuzz_EXTRA_source_libvirt := hostd/source_libvirt.c tests/unit/guests_stub.c
fuzz_EXTRA_answer := evlib/answer.c hostd/bundle.c
fuzz_EXTRA_ledger := hostd/ledger.c
fuzz_EXTRA_vm_request := gatewayd/vm_request.c gatewayd/server_answer.c
fuzz_EXTRA_server_answer := gatewayd/server_answer.c
fuzz_EXTRA_filters := $(addprefix gatewayd/,config.c filter_compile.c filter_elements.c filter_read.c filter_rules.c filter_writer.c) \
	member/field.c member/prefix.c
fuzz_EXTRA_directory := $(addprefix member/,directory_read.c field.c prefix.c self_read.c)
fuzz_EXTRA_coi_keys := $(addprefix member/,field.c keys_read.c prefix.c)
fuzz_EXTRA_names := $(addprefix member/,names_text.c prefix.c)
fuzz_EXTRA_offer := tests/unit/coi_ends.c
fuzz_EXTRA_wg_uapi := $(addprefix member/,prefix.c wg_list.c wg_uapi.c)
fuzz_EXTRA_wg_message := $(addprefix member/,prefix.c wg_list.c wg_message_linux.c)
fuzz_EXTRA_need := $(addprefix member/,need_packet.c prefix.c)
fuzz_EXTRA_bundle := coid/bundle.c evlib/identity_token.c
fuzz_EXTRA_holder := coid/holder.c
fuzz_EXTRA_cidata := coid/cidata.c
fuzz_EXTRA_lease := tests/unit/lease_holder.c tests/unit/lease_model.c
define fuzz_replay
fuzz-$(1)_SRCS := tests/fuzz/fuzz_$(1).c tests/fuzz/replay.c $(fuzz_EXTRA_$(1))
fuzz-$(1)_LIBS := -lcsv -ljansson -levent -lmnl -lxml2 -larchive $(FREERADIUS_LIBS)
PROGRAMS += fuzz-$(1)
endef
$(foreach n,$(fuzz_NAMES),$(eval $(call fuzz_replay,$(n))))

# With libFuzzer, from source in one go: another compiler and other flags than the rest.
.SECONDEXPANSION:
build/fuzz/fuzz-%: tests/fuzz/fuzz_%.c $(lib_SRCS) build/gen/schema.c $$(fuzz_EXTRA_$$*)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)clang -std=gnu11 -O1 -g -D_GNU_SOURCE -Ilib -Ipolicyd -Ihostd -Irelayd -Ievlib -Imember -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-isystem $(FREERADIUS_INCLUDE) -isystem /usr/include/libxml2 -o $@ $^ -Wl,--as-needed -lcsv -ljansson -levent -lmnl -lxml2 -larchive $(FREERADIUS_LIBS) \
		-lsmartcols -lseccomp -lcap-ng -lssl $(lib_LIBS)

TIME ?= 60
fuzz: $(if $(T),fuzz-run-$(T),$(fuzz_NAMES:%=fuzz-run-%))
fuzz-run-%: build/fuzz/fuzz-%
	$(Q)mkdir -p build/fuzz/corpus-$*
	$(Q)build/fuzz/fuzz-$* -max_total_time=$(TIME) -max_len=8192 -timeout=5 -print_final_stats=1 \
		build/fuzz/corpus-$* tests/fuzz/corpus/$*

# -- make check -----------------------------------------------------------------------------------
system_TESTS := $(sort $(patsubst tests/system/%.sh,%,$(filter-out %/lib.sh %/server.sh %/daemon.sh %/nas.sh %/virt.sh %/hostd.sh %/licence.sh %/coi.sh,$(wildcard tests/system/*.sh))))
.PHONY: check check-unit check-fuzz check-system
check: check-unit check-fuzz check-system

check-unit: all
	$(Q)$(B)/bin/unit
	$(Q)$(B)/bin/unit-hostd
	$(Q)$(B)/bin/unit-evlib
	$(Q)$(B)/bin/unit-gatewayd
	$(Q)$(B)/bin/unit-relayd
	$(Q)$(B)/bin/unit-coid
	$(Q)$(B)/bin/unit-member
	$(Q)$(B)/bin/unit-peers

check-fuzz: all
	$(Q)for n in $(fuzz_NAMES); do $(B)/bin/fuzz-$$n tests/fuzz/corpus/$$n || exit 1; done

check-system: all
	$(Q)B=$(B) SAN=$(SAN) sh tests/run-system.sh $(or $(T),$(system_TESTS))

# -- make bench -----------------------------------------------------------------------------------
bench: all
	$(Q)B=$(B) bash tests/bench/bench.sh
	$(Q)B=$(B) bash tests/bench/policyd.sh
	$(Q)B=$(B) bash tests/bench/sessions.sh
	$(Q)B=$(B) bash tests/bench/coa.sh
	$(Q)B=$(B) bash tests/bench/hostd.sh
	$(Q)B=$(B) bash tests/bench/licences.sh
	$(Q)B=$(B) bash tests/bench/coi.sh

bench-quick: all
	$(Q)B=$(B) bash tests/bench/bench.sh --quick
	$(Q)B=$(B) bash tests/bench/policyd.sh --quick
	$(Q)B=$(B) bash tests/bench/sessions.sh --quick
	$(Q)B=$(B) bash tests/bench/coa.sh --quick
	$(Q)B=$(B) bash tests/bench/hostd.sh --quick
	$(Q)B=$(B) bash tests/bench/licences.sh --quick
	$(Q)B=$(B) bash tests/bench/coi.sh --quick

# -- sanitizers inside the server -------------------------------------------------------------------
ifdef SAN
all: $(B)/nodeepbind.so
endif
$(B)/nodeepbind.so: tests/system/nodeepbind.c
	$(Q)$(CC) -shared -fPIC -O1 -D_GNU_SOURCE -o $@ $<
