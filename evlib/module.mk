# evlib: what the daemons with an event loop share; a program links it with NAME_ARCHIVES = $(B)/libvmprovev.a and $(evlib_LIBS).
evlib_SRCS := $(sort $(wildcard evlib/*.c))
evlib_LIBS := -levent_openssl -levent -lcurl -lssl -lcrypto -ljansson
CFLAGS_evlib = -Ievlib

$(B)/libvmprovev.a: $(evlib_SRCS:%.c=$(B)/obj/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

-include $(evlib_SRCS:%.c=$(B)/obj/%.d)
