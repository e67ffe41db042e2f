/** libvirt's domain XML (libvirt.org/formatdomain.html), as far as guests' interfaces go. */
#ifndef DOMAIN_XML_H
#define DOMAIN_XML_H

#include "guest.h"

#define DOMAIN_XML_MAX (512 * 1024) /**< [octets] */
/** Namespace of <metadata><vmprov:guest template="web"/></metadata>. */
#define DOMAIN_XML_NS "https://vmprov.example/ns/guest/1"

/** Read a domain: UUID, name, template (empty when it names none), interfaces of type bridge, network (the live XML has
 * its bridge) and direct, with their tap; others are left out.  cidata: DIRECTORY/UUID.iso,
 * if that is the file of one of its disks, CD-ROM or not; else "". @param directory  [cidata] directory.
 * No entity is expanded, no file or network touched.
 * @return VMP_OK; VMP_EINVAL: not a domain, no UUID, too long; more than GUEST_NICS interfaces: the first are taken. */
VMP_CHECKED int domain_xml_read(const char *xml, size_t len, const char *directory, struct guest_info *out,
				struct vmp_msg *msg);

#endif
