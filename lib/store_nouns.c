/* What each noun's columns are in the schema. */
#include "store_nouns.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define INHERIT (VMP_COL_NULL | VMP_COL_INHERIT)
#define BRIEF	VMP_COL_BRIEF

/* A name becomes an id; one that does not exist becomes -1, which the schema's triggers refuse. */
#define NAMED(table)                                                                                                   \
	"(SELECT coalesce((SELECT id FROM " table " WHERE name = v), -1) FROM (SELECT ? AS v) WHERE v IS NOT NULL)"
#define ID_OF(table) "(SELECT id FROM " table " WHERE name = ?)"

static const struct vmp_column_link vm_nas = {
	.drop = "DELETE FROM vm_nas WHERE mac = ?1 AND nas_id NOT IN "
		"(SELECT nas.id FROM json_each(?2) AS item JOIN nas ON nas.name = item.value)",
	.add = "INSERT INTO vm_nas (mac, nas_id) SELECT ?1, coalesce(nas.id, -1) "
	       "FROM json_each(?2) AS item LEFT JOIN nas ON nas.name = item.value "
	       "EXCEPT SELECT mac, nas_id FROM vm_nas WHERE mac = ?1",
};

#define UPLINK_NAME "substr(item.value, 1, instr(item.value || ':', ':') - 1)"
#define UPLINK_PORT "substr(item.value, instr(item.value || ':', ':') + 1)"

static const struct vmp_column_link host_uplink = {
	.drop = "DELETE FROM host_uplink WHERE host_id = ?1 AND (nas_id, port) NOT IN "
		"(SELECT nas.id, " UPLINK_PORT " FROM json_each(?2) AS item JOIN nas ON nas.name = " UPLINK_NAME ")",
	.add = "INSERT INTO host_uplink (host_id, nas_id, port) SELECT ?1, coalesce(nas.id, -1), " UPLINK_PORT
	       " FROM json_each(?2) AS item LEFT JOIN nas ON nas.name = " UPLINK_NAME
	       " EXCEPT SELECT host_id, nas_id, port FROM host_uplink WHERE host_id = ?1",
};

static const struct vmp_column_link template_coi = {
	.drop = "DELETE FROM template_coi WHERE template_id = ?1 AND coi_id NOT IN "
		"(SELECT coi.id FROM json_each(?2) AS item JOIN coi ON coi.name = item.value)",
	.add = "INSERT INTO template_coi (template_id, coi_id) SELECT ?1, coalesce(coi.id, -1) "
	       "FROM json_each(?2) AS item LEFT JOIN coi ON coi.name = item.value "
	       "EXCEPT SELECT template_id, coi_id FROM template_coi WHERE template_id = ?1",
};

static const struct vmp_column_link gateway_route = {
	.drop = "DELETE FROM gateway_route WHERE mac = ?1 AND prefix NOT IN (SELECT value FROM json_each(?2))",
	.add = "INSERT INTO gateway_route (mac, prefix) SELECT ?1, value FROM json_each(?2) "
	       "EXCEPT SELECT mac, prefix FROM gateway_route WHERE mac = ?1",
};

#define POLICY_COLUMNS(brief_vlan)                                                                                     \
	{ "vlan", VMP_TYPE_INT, INHERIT | brief_vlan, .help = "untagged VLAN id, 1 to 4094" },                         \
		{ "tagged_vlans", VMP_TYPE_TEXT, INHERIT | VMP_COL_NONE, .help = "VLAN ids separated by commas" },     \
		{ "cos", VMP_TYPE_INT, INHERIT, .help = "802.1p priority, 0 to 7" },                                   \
		{ "ingress_kbps", VMP_TYPE_INT, INHERIT | VMP_COL_NONE,                                                \
		  .help = "kbit/s from the guest; 0: no limit" },                                                      \
		{ "egress_kbps", VMP_TYPE_INT, INHERIT | VMP_COL_NONE, .help = "kbit/s to the guest; 0: no limit" },   \
		{ "acl", VMP_TYPE_TEXT, INHERIT | VMP_COL_NONE, .help = "an ACL's name, or filter rules" },            \
	{                                                                                                              \
		"session_timeout_s", VMP_TYPE_INT, INHERIT | VMP_COL_NONE, .help = "seconds until re-authentication"   \
	}

#define NAME_COLUMN                                                                                                    \
	{                                                                                                              \
		"name", VMP_TYPE_TEXT, BRIEF, .help = "unique; letters, digits, . _ -"                                 \
	}
#define ENABLED_COLUMN                                                                                                 \
	{                                                                                                              \
		"enabled", VMP_TYPE_BOOL, BRIEF, .help = "yes or no"                                                   \
	}
#define COMMENT_COLUMN                                                                                                 \
	{                                                                                                              \
		"comment", VMP_TYPE_TEXT, 0, .help = "free text"                                                       \
	}

static const struct vmp_column tenant_columns[] = {
	NAME_COLUMN,
	ENABLED_COLUMN,
	{ "comment", VMP_TYPE_TEXT, BRIEF, .help = "free text" },
};

static const struct vmp_column enclave_columns[] = {
	NAME_COLUMN,
	POLICY_COLUMNS(BRIEF),
	{ "acct_interim_s", VMP_TYPE_INT, VMP_COL_NONE, .help = "seconds between interim accounting; 0: none" },
	{ "mab", VMP_TYPE_BOOL, BRIEF, .help = "MAC authentication allowed: yes or no" },
	ENABLED_COLUMN,
	COMMENT_COLUMN,
};

static const struct vmp_column coi_columns[] = {
	NAME_COLUMN,
	{ "tenant", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "whose VMs alone may join; empty: everyone's",
	  .get = "(SELECT name FROM tenant WHERE id = r.tenant_id)", .set = "tenant_id", .value = NAMED("tenant"),
	  .match = "r.tenant_id = " ID_OF("tenant") },
	{ "priority", VMP_TYPE_INT, BRIEF, .help = "0 to 65535; a VM's lowest is its primary COI" },
	POLICY_COLUMNS(BRIEF),
	{ "mab", VMP_TYPE_BOOL, INHERIT, .help = "MAC authentication allowed: yes or no" },
	ENABLED_COLUMN,
	{ "member_count", VMP_TYPE_INT, VMP_COL_READONLY | BRIEF, .help = "how many VMs belong to it" },
	COMMENT_COLUMN,
};

static const struct vmp_column vm_columns[] = {
	{ "mac", VMP_TYPE_MAC, BRIEF, .help = "MAC address in any common form" },
	{ "name", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "unique; empty: the MAC", .match = "r.name = ?" },
	{ "tenant", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "whose it is; empty: default",
	  .match = "v.tenant_id = " ID_OF("tenant") },
	{ "enclave", VMP_TYPE_TEXT, VMP_COL_NULL, .help = "where it is; empty: default",
	  .match = "v.enclave_id = " ID_OF("enclave") },
	{ "cois", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "COI names separated by commas",
	  .match = "v.mac IN (SELECT mac FROM member WHERE coi_id = " ID_OF("coi") ")" },
	POLICY_COLUMNS(BRIEF),
	{ "mab", VMP_TYPE_BOOL, INHERIT, .help = "MAC authentication allowed: yes or no" },
	{ "enabled", VMP_TYPE_BOOL, VMP_COL_NULL | BRIEF, .help = "yes or no" },
	{ "not_before", VMP_TYPE_TEXT, VMP_COL_NULL, .help = "UTC, such as 2026-12-01T08:00:00Z; empty: no bound" },
	{ "not_after", VMP_TYPE_TEXT, VMP_COL_NULL, .help = "UTC, such as 2026-12-01T08:00:00Z; empty: no bound" },
	{ "hosts", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "host names separated by commas; empty: any",
	  .match = "v.mac IN (SELECT mac FROM vm_host WHERE host_id = " ID_OF("host") ")" },
	COMMENT_COLUMN,
	{ "nas", VMP_TYPE_TEXT, VMP_COL_NULL, .help = "NAS names separated by commas; empty: any",
	  .get = "CASE WHEN v.links & 2 THEN (SELECT group_concat(nas.name) FROM vm_nas "
		 "JOIN nas ON nas.id = nas_id WHERE vm_nas.mac = v.mac) END",
	  .match = "v.mac IN (SELECT mac FROM vm_nas WHERE nas_id = " ID_OF("nas") ")", .link = &vm_nas },
	{ "eap_md5", VMP_TYPE_BOOL, VMP_COL_READONLY, .help = "an EAP-MD5 password is recorded",
	  .get = "v.links & 4 <> 0" },
	{ "routes", VMP_TYPE_TEXT, VMP_COL_NULL, .help = "of a gateway: prefixes that it leads to, separated by commas",
	  .get = "(SELECT group_concat(prefix) FROM gateway_route WHERE gateway_route.mac = v.mac)",
	  .match = "v.mac IN (SELECT mac FROM gateway_route WHERE prefix = ?)", .link = &gateway_route,
	  .form = vmp_cidr_routes },
	{ "inner_ipv4", VMP_TYPE_TEXT, VMP_COL_READONLY | VMP_COL_NULL,
	  .help = "its IPv4 address inside the communities",
	  .get = "(SELECT address FROM inner4_address WHERE inner4_address.mac = v.mac)" },
};

static const struct vmp_column host_columns[] = {
	NAME_COLUMN,
	{ "cert_name", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF,
	  .help = "its certificate's DNS name; empty: the same as name" },
	{ "tenant", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "whose VMs alone it may speak for; empty: everyone's",
	  .get = "(SELECT name FROM tenant WHERE id = r.tenant_id)", .set = "tenant_id", .value = NAMED("tenant"),
	  .match = "r.tenant_id = " ID_OF("tenant") },
	{ "enclave", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "where alone it may speak for VMs; empty: everywhere",
	  .get = "(SELECT name FROM enclave WHERE id = r.enclave_id)", .set = "enclave_id", .value = NAMED("enclave"),
	  .match = "r.enclave_id = " ID_OF("enclave") },
	{ "uplinks", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF,
	  .help = "where it is cabled: nas or nas:port, separated by commas",
	  .get = "(SELECT group_concat(nas.name || iif(port = '', '', ':' || port)) FROM host_uplink "
		 "JOIN nas ON nas.id = nas_id WHERE host_id = r.id)",
	  .match = "r.id IN (SELECT host_id FROM host_uplink WHERE nas_id = " ID_OF("nas") ")", .link = &host_uplink },
	ENABLED_COLUMN,
	COMMENT_COLUMN,
};

static const struct vmp_column nas_columns[] = {
	NAME_COLUMN,
	{ "address", VMP_TYPE_TEXT, BRIEF, .help = "IPv4 or IPv6 address that its RADIUS packets come from" },
	{ "dialect", VMP_TYPE_TEXT, BRIEF, .help = "which attributes it understands, such as rfc" },
	{ "quarantine_vlan", VMP_TYPE_INT, VMP_COL_NULL | BRIEF, .help = "VLAN id for unknown MACs" },
	{ "coa", VMP_TYPE_TEXT, VMP_COL_NULL,
	  .help = "what ends or changes its sessions: coa, disconnect or none; empty: as its dialect says" },
	{ "coa_port", VMP_TYPE_INT, VMP_COL_NULL, .help = "UDP port for CoA and Disconnect; empty: the dialect's" },
	{ "coa_rate", VMP_TYPE_INT, VMP_COL_NULL,
	  .help = "CoA and Disconnect requests a second; empty: policyd's setting" },
	COMMENT_COLUMN,
};

/* Empty: the first row, which is the default. */
#define NAMED_OR_FIRST(table) "coalesce(" NAMED(table) ", 1)"

static const struct vmp_column template_columns[] = {
	{ "name", VMP_TYPE_TEXT, BRIEF, .help = "unique, and the EST label; letters, digits, . _ -" },
	{ "kind", VMP_TYPE_TEXT, BRIEF, .help = "vm or gateway" },
	{ "tenant", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "whose VMs it makes; empty: default",
	  .get = "(SELECT name FROM tenant WHERE id = r.tenant_id)", .set = "tenant_id",
	  .value = NAMED_OR_FIRST("tenant"), .match = "r.tenant_id = " ID_OF("tenant") },
	{ "enclave", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "where it makes them; empty: default",
	  .get = "(SELECT name FROM enclave WHERE id = r.enclave_id)", .set = "enclave_id",
	  .value = NAMED_OR_FIRST("enclave"), .match = "r.enclave_id = " ID_OF("enclave") },
	{ "cois", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "COI names separated by commas: what its guests join",
	  .get = "(SELECT group_concat(coi.name) FROM template_coi JOIN coi ON coi.id = coi_id "
		 "WHERE template_id = r.id)",
	  .match = "r.id IN (SELECT template_id FROM template_coi WHERE coi_id = " ID_OF("coi") ")",
	  .link = &template_coi },
	{ "auto_create", VMP_TYPE_BOOL, BRIEF, .help = "a host may start a VM that nobody registered: yes or no" },
	{ "gateway", VMP_TYPE_TEXT, VMP_COL_NONE | BRIEF, .help = "the virtual gateway's address or DNS name" },
	{ "licence_product", VMP_TYPE_TEXT, VMP_COL_NONE, .help = "what its guests need a licence for" },
	{ "broker", VMP_TYPE_BOOL, 0, .help = "its gateways may hold licences for their enclave: yes or no" },
	{ "remote", VMP_TYPE_BOOL, 0, .help = "its guests are outside of the enclave: yes or no" },
	{ "cert_life_s", VMP_TYPE_INT, VMP_COL_NULL,
	  .help = "seconds that a certificate lasts, 300 to 31536000; empty: policyd's setting" },
	ENABLED_COLUMN,
	COMMENT_COLUMN,
};

/* A time as people type it, as vm_record reads it: what is none stays a text, which the schema refuses. */
#define TIME                                                                                                           \
	"(SELECT CASE WHEN v IS NULL OR typeof(v) = 'integer' THEN v WHEN v NOT GLOB '*[^0-9]*' "                      \
	"THEN iif(length(v) >= 9, CAST(v AS INTEGER), 'too few digits') "                                              \
	"WHEN v NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN 'no date' "                                \
	"ELSE coalesce(CAST(strftime('%s', v) AS INTEGER), v) END FROM (SELECT ? AS v))"
#define TIME_COLUMN(column)                                                                                            \
	{                                                                                                              \
#column, VMP_TYPE_TEXT, VMP_COL_NULL,                                                                  \
			.help = "UTC, such as 2026-12-01T08:00:00Z; empty: no bound",                                  \
			.get = "strftime('%Y-%m-%dT%H:%M:%SZ', r." #column ", 'unixepoch')", .value = TIME,            \
			.match = "r." #column " = " TIME                                                               \
	}

static const struct vmp_column pool_columns[] = {
	NAME_COLUMN,
	{ "product", VMP_TYPE_TEXT, BRIEF, .help = "what it has licences of" },
	{ "tenant", VMP_TYPE_TEXT, VMP_COL_NULL | BRIEF, .help = "whose VMs alone may draw on it; empty: everyone's",
	  .get = "(SELECT name FROM tenant WHERE id = r.tenant_id)", .set = "tenant_id", .value = NAMED("tenant"),
	  .match = "r.tenant_id = " ID_OF("tenant") },
	{ "owned", VMP_TYPE_INT, BRIEF, .help = "how many licences, 0 to 100000000" },
	{ "overdraft", VMP_TYPE_INT, BRIEF, .help = "how many more may be granted, each with an audit event" },
	{ "lease_s", VMP_TYPE_INT, 0, .help = "seconds that a lease lasts, 1 to 2592000" },
	{ "grace_s", VMP_TYPE_INT, 0, .help = "seconds that it counts on after its end, 0 to 2592000" },
	TIME_COLUMN(not_before),
	TIME_COLUMN(not_after),
	ENABLED_COLUMN,
	COMMENT_COLUMN,
};

#define HOSTS "addresses and prefixes separated by commas; empty: any"
#define PORTS "ports and ranges, such as 443,8000-8100; empty: any"
/* An empty list is no value to people, and an empty text in the schema. */
#define LIST_COLUMN(column, brief, words, how)                                                                         \
	{                                                                                                              \
#column, VMP_TYPE_TEXT, VMP_COL_NULL | (brief), .help = (words), .get = "nullif(r." #column ", '')",   \
								.value = "coalesce(?, '')", .form = (how)              \
	}

static const struct vmp_column filter_columns[] = {
	{ "id", VMP_TYPE_INT, VMP_COL_NULL | BRIEF, .help = "its number" },
	{ "coi", VMP_TYPE_TEXT, BRIEF, .help = "whose machines it is for",
	  .get = "(SELECT name FROM coi WHERE id = r.coi_id)", .set = "coi_id", .value = NAMED("coi"),
	  .match = "r.coi_id = " ID_OF("coi") },
	{ "position", VMP_TYPE_INT, BRIEF, .help = "1 to 1000000, looked at in ascending order; 0: behind the last" },
	{ "direction", VMP_TYPE_TEXT, BRIEF, .help = "in, from the clear network to a machine, or out" },
	LIST_COLUMN(source, BRIEF, HOSTS, vmp_cidr_hosts),
	LIST_COLUMN(destination, BRIEF, HOSTS, vmp_cidr_hosts),
	{ "protocol", VMP_TYPE_TEXT, BRIEF, .help = "tcp, udp, icmp or any" },
	LIST_COLUMN(source_ports, 0, PORTS, vmp_cidr_ports),
	LIST_COLUMN(ports, BRIEF, "of the destination: " PORTS, vmp_cidr_ports),
	{ "action", VMP_TYPE_TEXT, BRIEF, .help = "accept, drop or reject" },
	{ "log", VMP_TYPE_BOOL, 0, .help = "what it decides is logged: yes or no" },
	ENABLED_COLUMN,
	COMMENT_COLUMN,
};

#define COLUMNS(a) .column = (a), .n_column = ARRAY_SIZE(a)

/* For names without case, as most are, "~" comes after every letter that they may have. */
#define PLAIN(t)                                                                                                       \
	.from = #t " AS r", .by_id = "r.id = ?", .table = #t, .counted = #t, .row = "id = ?", .order = "r.name",       \
	.id = "SELECT id FROM " #t " WHERE name = ?1",                                                                 \
	.names = "SELECT name FROM " #t " WHERE name >= ?1 AND name < ?1 || '~' ORDER BY name LIMIT ?2"

static const struct vmp_noun_sql nouns[VMP_NOUNS] = {
	[VMP_NOUN_TENANT] = {.info = {"tenant", COLUMNS(tenant_columns)}, PLAIN(tenant)},
	[VMP_NOUN_ENCLAVE] = {.info = {"enclave", COLUMNS(enclave_columns)}, PLAIN(enclave)},
	[VMP_NOUN_COI] = {.info = {"coi", COLUMNS(coi_columns)}, PLAIN(coi)},
	[VMP_NOUN_HOST] = {.info = {"host", COLUMNS(host_columns)}, PLAIN(host)},
	[VMP_NOUN_NAS] = {.info = {"nas", COLUMNS(nas_columns)}, PLAIN(nas)},
	[VMP_NOUN_TEMPLATE] = {.info = {"template", COLUMNS(template_columns)}, PLAIN(template)},
	[VMP_NOUN_POOL] = {.info = {"pool", COLUMNS(pool_columns)}, PLAIN(licence_pool)},
	[VMP_NOUN_FILTER] =
		{
			.info = {"filter", COLUMNS(filter_columns), .numbered = true},
			.from = "filter AS r",
			.by_id = "r.id = ?",
			.table = "filter",
			.counted = "filter",
			.row = "id = ?",
			.order = "(SELECT name FROM coi WHERE id = r.coi_id), r.position, r.id",
			.id = "SELECT id FROM filter WHERE id = CAST(?1 AS INTEGER) AND CAST(id AS TEXT) = ?1",
			.names = "SELECT CAST(id AS TEXT) FROM filter WHERE CAST(id AS TEXT) GLOB ?1 || '*' ORDER BY id "
				 "LIMIT ?2",
		},
	[VMP_NOUN_VM] =
		{
			.info = {"vm", COLUMNS(vm_columns)},
			.from = "vm AS v JOIN vm_record AS r ON r.name = v.name",
			.by_id = "v.mac = ?",
			.table = "vm_record",
			.counted = "vm",
			.row = "name = (SELECT name FROM vm WHERE mac = ?)",
			.order = "v.mac",
			.id = "SELECT mac FROM vm WHERE mac = ?2 OR (name = ?1 AND NOT EXISTS (SELECT 1 FROM vm WHERE "
			      "mac = ?2))",
			.names = "SELECT name FROM vm WHERE name >= ?1 AND name < ?1 || char(1114111) ORDER BY name "
				 "LIMIT ?2",
		},
};

const struct vmp_noun_info *vmp_noun_info(enum vmp_noun noun)
{
	return &nouns[noun].info;
}

const struct vmp_noun_sql *vmp_noun_sql(enum vmp_noun noun)
{
	return &nouns[noun];
}
