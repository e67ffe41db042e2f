# member: what coid and gatewayd share as members of COIs; a program links it with NAME_ARCHIVES = $(member_ARCHIVES) and $(member_LIBS).
member_SRCS := $(sort $(wildcard member/*.c))
member_ARCHIVES = $(B)/libvmprovmember.a $(B)/libvmprovev.a
member_LIBS := $(evlib_LIBS) -lmnl -lnftables
CFLAGS_member = -Imember -Ievlib

$(B)/libvmprovmember.a: $(member_SRCS:%.c=$(B)/obj/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

-include $(member_SRCS:%.c=$(B)/obj/%.d)
