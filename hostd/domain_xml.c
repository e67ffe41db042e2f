#include "domain_xml.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

struct reading {
	struct guest_info *out;
	const char *directory;
	struct vmp_msg *msg;
};

static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	const xmlNode *at = node ? node->children : NULL;

	while (at && !is_named(at, name))
		at = at->next;
	return at;
}

/* @return false when there is none, or it does not fit: out is empty then. */
static bool attribute(const xmlNode *node, const char *name, char *out, size_t room)
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
	bool fits = value && strlen((const char *)value) < room;

	snprintf(out, room, "%s", fits ? (const char *)value : "");
	xmlFree(value);
	return fits;
}

/* Cuts what is too long, but no character in two. */
static void copy_cut(char *out, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (len >= room) {
		len = room - 1;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = '\0';
}

static int read_uuid(struct reading *r, const char *text)
{
	const char *start = text + strspn(text, " \t\r\n");
	size_t len = strcspn(start, " \t\r\n");

	if (vmp_uuid_parse(start, len, r->out->uuid) == VMP_OK)
		return VMP_OK;
	return vmp_fail(r->msg, VMP_EINVAL, "uuid: expected a UUID");
}

static int read_name(struct reading *r, const char *text)
{
	copy_cut(r->out->name, sizeof(r->out->name), text);
	return *text ? VMP_OK : vmp_fail(r->msg, VMP_EINVAL, "name: expected one");
}

/* A child of the domain that has to be there, as text. */
static int read_text(struct reading *r, const xmlNode *domain, const char *name,
		     int (*take)(struct reading *r, const char *text))
{
	const xmlNode *node = child(domain, name);
	xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
	int err = text ? take(r, (const char *)text) : vmp_fail(r->msg, VMP_EINVAL, "%s: expected one", name);

	xmlFree(text);
	return err;
}

/* <metadata><vmprov:guest template="web"/></metadata> */
static int read_template(struct reading *r, const xmlNode *domain)
{
	const xmlNode *metadata = child(domain, "metadata"), *at = metadata ? metadata->children : NULL;

	for (; at; at = at->next) {
		if (!is_named(at, "guest") || !at->ns || strcmp((const char *)at->ns->href, DOMAIN_XML_NS) != 0 ||
		    !xmlHasNsProp(at, (const xmlChar *)"template", NULL))
			continue;
		if (attribute(at, "template", r->out->template_name, sizeof(r->out->template_name)))
			return VMP_OK;
		return vmp_fail(r->msg, VMP_EINVAL, "template: expected at most %d octets", GUEST_TEMPLATE - 1);
	}
	return VMP_OK;
}

/* Types whose frames leave by a bridge or by a device below (macvtap).  A network's bridge is known once it runs. */
static bool is_served_type(const xmlNode *interface)
{
	static const char *const types[] = { "bridge", "network", "direct" };
	char type[16];
	size_t i;

	if (!attribute(interface, "type", type, sizeof(type)))
		return false;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

static void read_interface(struct reading *r, const xmlNode *interface)
{
	struct guest_info *out = r->out;
	const xmlNode *source = child(interface, "source");
	struct guest_nic nic = { .mac = 0 };
	char mac[VMP_MAC_TEXT];

	if (out->n_nic == GUEST_NICS || !is_served_type(interface) ||
	    !attribute(child(interface, "mac"), "address", mac, sizeof(mac)) ||
	    vmp_mac_parse(mac, strlen(mac), &nic.mac) != VMP_OK)
		return;
	if (!attribute(source, "bridge", nic.bridge, sizeof(nic.bridge)))
		attribute(source, "dev", nic.direct, sizeof(nic.direct));
	attribute(child(interface, "target"), "dev", nic.port, sizeof(nic.port));
	out->nic[out->n_nic++] = nic;
}

/* <disk type='file' device='cdrom'><source file='DIRECTORY/UUID.iso'/></disk>; any other device reads it as well. */
static void read_disk(struct reading *r, const xmlNode *disk)
{
	char file[sizeof(r->out->cidata)], wanted[sizeof(r->out->cidata)];
	int len = snprintf(wanted, sizeof(wanted), "%s/%s.iso", r->directory, r->out->uuid);

	if (len < (int)sizeof(wanted) && attribute(child(disk, "source"), "file", file, sizeof(file)) &&
	    strcmp(file, wanted) == 0)
		memcpy(r->out->cidata, file, sizeof(file));
}

static void read_devices(struct reading *r, const xmlNode *domain)
{
	const xmlNode *devices = child(domain, "devices"), *at = devices ? devices->children : NULL;

	for (; at; at = at->next) {
		if (is_named(at, "interface"))
			read_interface(r, at);
		else if (is_named(at, "disk"))
			read_disk(r, at);
	}
}

static int read_domain(struct reading *r, const xmlNode *domain)
{
	int err;

	if (!domain || !is_named(domain, "domain"))
		return vmp_fail(r->msg, VMP_EINVAL, "expected a domain");
	err = read_text(r, domain, "uuid", read_uuid);
	if (err == VMP_OK)
		err = read_text(r, domain, "name", read_name);
	if (err == VMP_OK)
		err = read_template(r, domain);
	if (err == VMP_OK)
		read_devices(r, domain);
	return err;
}

/* libvirt writes no document type: without one there is no entity to expand, either. */
static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	((xmlParserCtxt *)ctx)->wellFormed = 0;
	xmlStopParser(ctx);
}

static xmlDoc *parse(const char *xml, size_t len)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();
	xmlDoc *doc;

	if (!parser)
		return NULL;
	parser->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(parser, xml, (int)len, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlFreeParserCtxt(parser);
	return doc;
}

int domain_xml_read(const char *xml, size_t len, const char *directory, struct guest_info *out, struct vmp_msg *msg)
{
	struct guest_info info = { .source = GUEST_LIBVIRT };
	struct reading r = { &info, directory, msg };
	xmlDoc *doc;
	int err;

	if (len > DOMAIN_XML_MAX)
		return vmp_fail(msg, VMP_EINVAL, "expected a domain of at most %d octets", DOMAIN_XML_MAX);
	doc = parse(xml, len);
	if (!doc)
		return vmp_fail(msg, VMP_EINVAL, "expected XML without a document type");
	err = read_domain(&r, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	if (err == VMP_OK)
		*out = info;
	return err;
}
