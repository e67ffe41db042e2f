#include "attach_libvirt.h"
#include "domain_xml.h"
#include "log.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_MAX 640

static int libvirt_failed(struct vmp_msg *msg, int err)
{
	return vmp_fail(msg, err, "%s", virGetLastErrorMessage());
}

/* The guests process is not to make us name any other file. */
static int check_path(const char *directory, const char *uuid, const char *path, struct vmp_msg *msg)
{
	char wanted[256];

	if (snprintf(wanted, sizeof(wanted), "%s/%s.iso", directory, uuid) >= (int)sizeof(wanted) ||
	    strcmp(path, wanted) != 0 || strpbrk(path, "<>&'\""))
		return vmp_fail(msg, VMP_EINVAL, "expected the path DIRECTORY/UUID.iso without quotes");
	return VMP_OK;
}

/* The lowest letter that no virtio disk has. */
static char free_letter(const char *xml)
{
	char target[] = "dev='vda'";

	while (strstr(xml, target)) {
		if (target[7]++ == 'z')
			return '\0';
	}
	return target[7];
}

/* A read-only virtio disk, and no CD-ROM: cloud kernels have no driver for SATA, and not each machine has IDE. */
static int add(virDomainPtr domain, const char *xml, const char *path, struct vmp_msg *msg)
{
	char device[DEVICE_MAX], letter = free_letter(xml);

	if (!letter)
		return vmp_fail(msg, VMP_EFULL, "the domain has no free target of vda to vdz");
	snprintf(device, sizeof(device),
		 "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
		 "<source file='%s' startupPolicy='optional'/><target dev='vd%c' bus='virtio'/><readonly/></disk>",
		 path, letter);
	if (virDomainAttachDeviceFlags(domain, device, VIR_DOMAIN_AFFECT_CONFIG) != 0)
		return libvirt_failed(msg, VMP_EIO);
	vmp_log(VMP_LOG_INFO, "cidata-attached", "name", virDomainGetName(domain), "path", path, NULL);
	return VMP_OK;
}

static int attach(virDomainPtr domain, const char *directory, const char *path, struct vmp_msg *msg)
{
	struct guest_info info;
	char *xml;
	int err;

	if (virDomainIsPersistent(domain) != 1)
		return vmp_fail(msg, VMP_ENOENT, "a transient domain has no stored definition");
	xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	if (!xml)
		return libvirt_failed(msg, VMP_EIO);
	err = domain_xml_read(xml, strlen(xml), directory, &info, msg);
	if (err == VMP_OK && !*info.cidata)
		err = add(domain, xml, path, msg);
	free(xml);
	return err;
}

int attach_volume(virConnectPtr conn, const char *directory, const char *uuid, const char *path, struct vmp_msg *msg)
{
	virDomainPtr domain;
	int err;

	if (!conn)
		return vmp_fail(msg, VMP_EIO, "libvirtd is not there");
	if (check_path(directory, uuid, path, msg) != VMP_OK)
		return VMP_EINVAL;
	domain = virDomainLookupByUUIDString(conn, uuid);
	if (!domain)
		return libvirt_failed(msg, VMP_ENOENT);
	err = attach(domain, directory, path, msg);
	virDomainFree(domain);
	return err;
}
