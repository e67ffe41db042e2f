lib_SRCS := $(sort $(wildcard lib/*.c))
lib_LIBS := -lsqlite3 -lssl -lcrypto -ljansson -linih

$(B)/libvmprov.a: $(lib_SRCS:%.c=$(B)/obj/%.o) $(B)/obj/schema.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

-include $(lib_SRCS:%.c=$(B)/obj/%.d)
