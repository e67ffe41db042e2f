#include "job.h"

#include <jansson.h>
#include <string.h>

static const char *const names[JOB_ATTRS] = {
	[JOB_USER_NAME] = "User-Name",
	[JOB_CALLING_STATION_ID] = "Calling-Station-Id",
	[JOB_ACCT_SESSION_ID] = "Acct-Session-Id",
	[JOB_FRAMED_IP_ADDRESS] = "Framed-IP-Address",
	[JOB_NAS_PORT] = "NAS-Port",
	[JOB_NAS_PORT_ID] = "NAS-Port-Id",
	[JOB_NAS_IP_ADDRESS] = "NAS-IP-Address",
	[JOB_NAS_IPV6_ADDRESS] = "NAS-IPv6-Address",
	[JOB_NAS_IDENTIFIER] = "NAS-Identifier",
};

const char *job_attr_name(enum job_attr attr)
{
	return names[attr];
}

enum job_attr job_attr_find(const char *name)
{
	int i;

	for (i = 0; i < JOB_ATTRS && strcmp(names[i], name) != 0; i++)
		;
	return (enum job_attr)i;
}

static int read_attrs(json_t *object, const char *out[JOB_ATTRS], struct vmp_msg *msg)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		enum job_attr attr = job_attr_find(name);

		if (attr == JOB_ATTRS || !json_is_string(value))
			return vmp_fail(msg, VMP_EINVAL, "malformed job: %s", name);
		if (json_string_length(value) > 0)
			out[attr] = json_string_value(value);
	}
	return VMP_OK;
}

static int read_nas(json_t *nas, struct job *out, struct vmp_msg *msg)
{
	const char *address;
	json_int_t port, mode, rate;

	if (json_unpack(nas, "{s:s, s:s, s:I, s:s, s:I, s:I !}", "name", &out->nas, "address", &address, "port", &port,
			"dialect", &out->dialect, "mode", &mode, "rate", &rate) != 0)
		return vmp_fail(msg, VMP_EINVAL, "malformed job: nas");
	if (vmp_addr_parse(address, &out->address) != VMP_OK || port < 0 || port > UINT16_MAX ||
	    mode < VMP_NAS_AS_DIALECT || mode > VMP_NAS_NONE || rate < 0 || rate > 1000000)
		return vmp_fail(msg, VMP_EINVAL, "malformed job: nas %s", address);
	out->port = (uint16_t)port;
	out->mode = (int)mode;
	out->rate = (uint32_t)rate;
	return VMP_OK;
}

int job_parse(const void *blob, size_t len, struct job *out, struct vmp_msg *msg)
{
	json_t *nas, *session, *beside = NULL;
	int err;

	memset(out, 0, sizeof(*out));
	out->json = json_loadb(blob, len, JSON_REJECT_DUPLICATES, NULL);
	if (!out->json ||
	    json_unpack(out->json, "{s:o, s:o, s?o !}", "nas", &nas, "session", &session, "beside", &beside) != 0 ||
	    !json_is_object(session) || (beside && !json_is_object(beside))) {
		job_clear(out);
		return vmp_fail(msg, VMP_EINVAL, "malformed job");
	}
	out->has_beside = beside != NULL;
	err = read_nas(nas, out, msg);
	if (err == VMP_OK)
		err = read_attrs(session, out->session, msg);
	if (err == VMP_OK && beside)
		err = read_attrs(beside, out->beside, msg);
	if (err != VMP_OK)
		job_clear(out);
	return err;
}

void job_clear(struct job *job)
{
	json_decref(job->json);
	memset(job, 0, sizeof(*job));
}
