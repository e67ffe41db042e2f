#include "findings.h"
#include "output.h"
#include "record_read.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const grades[] = {
	[VMP_GRADE_OK] = "OK", [VMP_GRADE_WARN] = "WARN", [VMP_GRADE_FAIL] = "FAIL", [VMP_GRADE_INFO] = "INFO"
};

void findings_add(struct findings *f, enum vmp_grade grade, const char *check, const char *advice, const char *fmt, ...)
{
	struct vmp_msg seen = { "" };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen.text, sizeof(seen.text), fmt, ap);
	va_end(ap);
	f->failed += grade == VMP_GRADE_FAIL;
	f->warned += grade == VMP_GRADE_WARN;
	if (f->cli->json) {
		out_json_item(&f->n, json_pack("{s:s, s:s, s:o, s:o}", "grade", grades[grade], "check", check, "seen",
					       vmp_json_text(seen.text), "advice",
					       advice ? vmp_json_text(advice) : json_null()));
		return;
	}
	printf("%-4s  %s%s%s%s%s\n", grades[grade], check, *seen.text ? ": " : "", seen.text, advice ? "; " : "",
	       advice ? advice : "");
}

int findings_end(struct findings *f)
{
	if (f->cli->json)
		out_json_end(f->n);
	else
		printf("%d failed, %d warnings\n", f->failed, f->warned);
	return f->failed ? CLI_REFUSED : CLI_OK;
}
