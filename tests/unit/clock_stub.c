#include "clock_stub.h"
#include "loop.h"

uint64_t stub_now_us;

uint64_t loop_now_us(void)
{
	return stub_now_us;
}

uint64_t loop_now(void)
{
	return stub_now_us / 1000;
}
