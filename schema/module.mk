# The migrations, compiled in: a table of C strings in the files' order.
schema_FILES := $(sort $(wildcard schema/policy/*.sql) $(wildcard schema/session/*.sql) $(wildcard schema/broker/*.sql))

build/gen/schema.c: schema/embed.sh $(schema_FILES)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)sh schema/embed.sh schema > $@.tmp && mv $@.tmp $@

$(B)/obj/schema.o: build/gen/schema.c lib/store_internal.h
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
