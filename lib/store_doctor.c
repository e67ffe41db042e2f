/* Checks of a store's content: each is a statement that yields what is wrong, by name. */
#include "store_doctor.h"
#include "cidr.h"
#include "store_internal.h"

#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define EXAMPLES      3

struct check {
	enum vmp_grade grade; /* when rows come back */
	const char *name, *advice, *sql;
};

#define DAMAGED	 "stop the writers and restore a backup; `sqlite3 FILE .recover` saves what can be saved"
#define TRIGGERS "somebody wrote past the triggers; save with `vmprov export` and import into a new store"

/* What both kinds share. */
#define WHOLE                                                                                                          \
	{ VMP_GRADE_FAIL, "integrity", DAMAGED,                                                                        \
	  "SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'" },                                    \
	{                                                                                                              \
		VMP_GRADE_FAIL, "journal mode",                                                                        \
			"run `sqlite3 FILE 'PRAGMA journal_mode = WAL'`: readers must not block writers",              \
			"SELECT journal_mode FROM pragma_journal_mode WHERE journal_mode <> 'wal'"                     \
	}

#define NOW	     "CAST(strftime('%s', 'now') AS INTEGER)"
#define JOB_NAS_NAME "coalesce((SELECT name FROM nas WHERE address = coa_job.nas), coa_job.nas)"

#define FIRST_COI_VLAN                                                                                                 \
	"(SELECT vlan FROM member JOIN coi ON coi.id = coi_id WHERE member.mac = vm.mac "                              \
	"ORDER BY priority, member_count, coi.id LIMIT 1)"

/* Members of a COI that are gateways. */
#define GATEWAYS                                                                                                       \
	"(SELECT 1 FROM member CROSS JOIN guest USING (mac) JOIN template ON template.id = template_id "               \
	"WHERE member.coi_id = coi.id AND template.kind = 'gateway')"
#define RULES "(SELECT 1 FROM filter WHERE filter.coi_id = coi.id AND filter.enabled)"

static const struct check policy_checks[] = {
	WHOLE,
	{ VMP_GRADE_FAIL, "references", TRIGGERS,
	  "SELECT \"table\" || coalesce(' row ' || rowid, '') || ' without its ' || parent FROM "
	  "pragma_foreign_key_check" },
	{ VMP_GRADE_FAIL, "COI member counts", TRIGGERS,
	  "SELECT name FROM coi WHERE member_count <> (SELECT count(*) FROM member WHERE coi_id = coi.id)" },
	{ VMP_GRADE_FAIL, "COIs in the VMs' rows", TRIGGERS,
	  "SELECT name FROM vm WHERE length(coi_ids) - length(replace(coi_ids, ',', '')) + (coi_ids <> '') "
	  "<> (SELECT count(*) FROM member WHERE member.mac = vm.mac) OR EXISTS (SELECT 1 FROM member "
	  "WHERE member.mac = vm.mac AND instr(',' || coi_ids || ',', ',' || coi_id || ',') = 0)" },
	{ VMP_GRADE_FAIL, "links in the VMs' rows", TRIGGERS,
	  "SELECT name FROM vm WHERE links <> (EXISTS (SELECT 1 FROM vm_host WHERE vm_host.mac = vm.mac)) "
	  "+ 2 * (EXISTS (SELECT 1 FROM vm_nas WHERE vm_nas.mac = vm.mac)) "
	  "+ 4 * (EXISTS (SELECT 1 FROM eap_md5 WHERE eap_md5.mac = vm.mac))" },
	{ VMP_GRADE_WARN, "disabled COIs",
	  "VMs whose primary COI is disabled are refused; enable it or remove its members",
	  "SELECT name FROM coi WHERE NOT enabled AND member_count > 0" },
	{ VMP_GRADE_WARN, "VLANs",
	  "give these VMs, one of their COIs or their enclave a vlan, or the switch decides alone",
	  "SELECT name FROM vm WHERE enabled AND vlan IS NULL AND " FIRST_COI_VLAN " IS NULL "
	  "AND (SELECT vlan FROM enclave WHERE id = enclave_id) IS NULL" },
	{ VMP_GRADE_WARN, "expired VMs", "remove them, or move not_after",
	  "SELECT name FROM vm WHERE not_after <= " NOW },
	{ VMP_GRADE_WARN, "uplinks of hosts",
	  "VMs bound to these hosts are refused without a certificate; set their uplinks",
	  "SELECT name FROM host WHERE id IN (SELECT host_id FROM vm_host) AND id NOT IN (SELECT host_id FROM "
	  "host_uplink)" },
	{ VMP_GRADE_WARN, "CoA waiting",
	  "requests for these NASes are older than a day; see that policyd runs, and `vmprov nas test`",
	  "SELECT DISTINCT " JOB_NAS_NAME " FROM coa_job WHERE finished_at IS NULL AND created_at < " NOW " - 86400" },
	{ VMP_GRADE_WARN, "CoA failed",
	  "these NASes did not take what was sent in the last day, so guests may have kept what they should not; "
	  "see `vmprov nas test` and coa_job.outcome",
	  "SELECT DISTINCT " JOB_NAS_NAME " FROM coa_job WHERE finished_at > " NOW " - 86400 AND state = 'failed' "
	  "AND action <> 'test'" },
	{ VMP_GRADE_WARN, "CoA comparisons",
	  "these have waited for a day to be compared with their sessions; see that policyd runs",
	  "SELECT CASE kind WHEN 'all' THEN 'all VMs' ELSE coalesce((SELECT name FROM coi WHERE id = ref), ref) END "
	  "FROM coa_scan WHERE not_before BETWEEN 1 AND " NOW " - 86400" },
	{ VMP_GRADE_FAIL, "filters", "gateways refuse these, and all others with them; set or remove them",
	  "SELECT 'filter ' || id FROM filter WHERE NOT (is_hosts(source) AND is_hosts(destination) "
	  "AND is_ports(source_ports) AND is_ports(ports))" },
	{ VMP_GRADE_WARN, "filters without a gateway", "make a gateway a member of these COIs, or remove their filters",
	  "SELECT name FROM coi WHERE EXISTS " RULES " AND NOT EXISTS " GATEWAYS },
	{ VMP_GRADE_INFO, "COIs without filters", "nothing of these COIs passes their gateway; see `vmprov filter add`",
	  "SELECT name FROM coi WHERE EXISTS " GATEWAYS " AND NOT EXISTS " RULES },
	{ VMP_GRADE_FAIL, "routes", "no machine is told of these; remove them, and add what was meant",
	  "SELECT name || ' ' || prefix FROM gateway_route JOIN vm USING (mac) WHERE NOT is_routes(prefix)" },
	{ VMP_GRADE_WARN, "routes of no gateway", "no machine is told of these; see `vmprov route list`",
	  "SELECT DISTINCT vm.name FROM gateway_route JOIN vm USING (mac) JOIN guest USING (mac) "
	  "JOIN template ON template.id = template_id WHERE template.kind <> 'gateway'" },
	{ VMP_GRADE_WARN, "IPv4 addresses inside",
	  "these get one that fits into inner_prefix4, if any is left, when they register next: restart coid there",
	  "SELECT name FROM inner4 JOIN vm USING (mac) WHERE (SELECT inner_prefix4 FROM site) <> '' "
	  "AND mac NOT IN (SELECT mac FROM inner4_address)" },
};

/* What SQL alone cannot judge: a function of one text, which calls a vmp_list_fn. */
static void judge(sqlite3_context *ctx, int n, sqlite3_value **args)
{
	vmp_list_fn form = *(const vmp_list_fn *)sqlite3_user_data(ctx);
	const char *text = (const char *)sqlite3_value_text(args[0]);
	char room[VMP_CIDR_LIST];

	(void)n;
	sqlite3_result_int(ctx, text && form(text, room, NULL) == VMP_OK);
}

static int add_judges(struct vmp_store *store)
{
	static const struct {
		const char *name;
		vmp_list_fn form;
	} judges[] = { { "is_hosts", vmp_cidr_hosts },
		       { "is_routes", vmp_cidr_routes },
		       { "is_ports", vmp_cidr_ports } };
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(judges) && rc == SQLITE_OK; i++)
		rc = sqlite3_create_function(store->db, judges[i].name, 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
					     (void *)&judges[i].form, judge, NULL, NULL);
	return rc;
}

static const struct check session_checks[] = {
	WHOLE,
	{ VMP_GRADE_FAIL, "identity", "remove this file; `vmprov migrate` makes a new one",
	  "SELECT 'site' WHERE (SELECT count(*) FROM site) <> 1" },
	{ VMP_GRADE_WARN, "expired sessions", "their time has been over for an hour; see that policyd runs",
	  "SELECT printf('%012x', mac) FROM session WHERE expires_at BETWEEN 1 AND " NOW " - 3600" },
	{ VMP_GRADE_WARN, "clocks of NASes", "they are ahead by more than an hour; give these NASes an NTP server",
	  "SELECT DISTINCT nas FROM session WHERE updated_at > " NOW " + 3600" },
	{ VMP_GRADE_WARN, "clones", "in the last day these MACs were in two places; see `vmprov session show`",
	  "SELECT DISTINCT printf('%012x', mac) FROM notice WHERE kind = 'clone' AND at > " NOW " - 86400" },
};

static void add_example(struct vmp_finding *f, const char *name)
{
	size_t used = strlen(f->examples);

	if (f->count <= EXAMPLES)
		snprintf(f->examples + used, sizeof(f->examples) - used, "%s%s", used ? ", " : "", name ? name : "?");
	else if (f->count == EXAMPLES + 1)
		snprintf(f->examples + used, sizeof(f->examples) - used, ", ...");
}

static int examine_one(struct vmp_store *store, const struct check *check, struct vmp_finding *f, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, check->sql, -1, &stmt, NULL), err = VMP_OK;

	memset(f, 0, sizeof(*f));
	f->check = check->name;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
		f->grade = check->grade;
		f->advice = check->advice;
		f->count++;
		add_example(f, (const char *)sqlite3_column_text(stmt, 0));
	}
	if (rc != SQLITE_DONE)
		err = vmp_store_error(store, rc, check->name, msg);
	sqlite3_finalize(stmt);
	return err;
}

int vmp_store_examine(struct vmp_store *store, void (*found)(void *ctx, const struct vmp_finding *finding), void *ctx,
		      struct vmp_msg *msg)
{
	const struct check *checks = store->kind == VMP_STORE_POLICY ? policy_checks : session_checks;
	size_t n = store->kind == VMP_STORE_POLICY ? ARRAY_SIZE(policy_checks) : ARRAY_SIZE(session_checks), i;
	struct vmp_finding f;
	int rc = add_judges(store), err = VMP_OK;

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return vmp_store_error(store, rc, "cannot begin to read", msg);
	for (i = 0; i < n && err == VMP_OK; i++) {
		err = examine_one(store, &checks[i], &f, msg);
		if (err == VMP_OK)
			found(ctx, &f);
	}
	vmp_store_rollback(store);
	return err;
}
