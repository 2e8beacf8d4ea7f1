/*
 * A key and a certificate that signs itself, for the first minutes of a node.
 *
 * Happy path: key, certificate, both as PEM in memory, then two files, each
 * written beside its place and renamed into it. The key comes first: a
 * certificate without its key is worse than an old pair.
 */
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/log.h"
#include "base/panic.h"
#include "base/random.h"
#include "io/addr.h"
#include "io/disk.h"
#include "io/tls.h"

#define MAKE_NAMES_MAX 32               /* host names of one node */
#define MAKE_LIFE_S (3650L * 24 * 3600) /* ten years */
#define MAKE_BEFORE_S (24L * 3600)      /* clocks of clients that are late */

/* OpenSSL fails here for lack of memory only. */
#define MAKE(call) MUST((call) > 0)

static void make_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	MUST(ext);
	MAKE(X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* "192.0.2.1" and "2001:db8::1" are addresses, anything else is a host. */
static GENERAL_NAME *make_general_name(const char *text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ASN1_STRING_new();
	uint8_t ip[16];
	int len = inet_pton(AF_INET, text, ip) == 1    ? 4
		  : inet_pton(AF_INET6, text, ip) == 1 ? 16
						       : 0;

	MUST(name && value);
	if (len > 0)
		MAKE(ASN1_STRING_set(value, ip, len));
	else
		MAKE(ASN1_STRING_set(value, text, (int)strlen(text)));
	GENERAL_NAME_set0_value(name, len > 0 ? GEN_IPADD : GEN_DNS, value);
	return name;
}

static void make_names(X509 *cert, const char *const *names, size_t count)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	GENERAL_NAMES *list = GENERAL_NAMES_new();

	MUST(list);
	/* The common name may have 64 characters only, the list has all. */
	if (strlen(names[0]) <= 64)
		MAKE(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
						(const unsigned char *)names[0],
						-1, -1, 0));
	MAKE(X509_set_issuer_name(cert, subject));
	for (size_t i = 0; i < count; i++)
		MAKE(sk_GENERAL_NAME_push(list, make_general_name(names[i])));
	MAKE(X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0,
			       X509V3_ADD_DEFAULT));
	GENERAL_NAMES_free(list);
}

static X509 *make_cert(EVP_PKEY *key, const char *const *names, size_t count)
{
	X509 *cert = X509_new();
	uint64_t serial = random_u64(random_secure()) >> 1;

	MUST(cert);
	MAKE(X509_set_version(cert, X509_VERSION_3));
	MAKE(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial));
	MUST(X509_gmtime_adj(X509_getm_notBefore(cert), -MAKE_BEFORE_S));
	MUST(X509_gmtime_adj(X509_getm_notAfter(cert), MAKE_LIFE_S));
	MAKE(X509_set_pubkey(cert, key));
	make_names(cert, names, count);
	make_extension(cert, NID_basic_constraints, "critical,CA:FALSE");
	make_extension(cert, NID_key_usage, "critical,digitalSignature");
	make_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth");
	MAKE(X509_sign(cert, key, EVP_sha256()));
	return cert;
}

static enum err make_write(struct disk *disk, const char *path, int fd,
			   struct slice text)
{
	enum err err = disk->truncate(disk, fd, 0);

	if (err == ERR_NONE)
		err = disk->write(disk, fd, 0, &text, 1);
	if (err == ERR_NONE)
		err = disk->sync(disk, fd);
	if (err != ERR_NONE)
		LOG_ERROR("%s: not written", path);
	return err;
}

/* Writes the file whole or not at all; its mode is 0600 (base/disk.h). */
static enum err make_file(const char *path, struct slice text)
{
	struct disk *disk = io_disk();
	struct buf tmp = { 0 };
	enum err err;
	int fd;

	buf_printf(&tmp, "%s.tmp", path);
	err = disk->open(disk, buf_cstr(&tmp), DISK_CREATE, &fd);
	if (err == ERR_NONE) {
		err = make_write(disk, path, fd, text);
		disk->close(disk, fd);
		if (err == ERR_NONE)
			err = disk->rename(disk, buf_cstr(&tmp), path);
	} else {
		LOG_ERROR("%s: cannot make: %s", path, err_text(err));
	}
	buf_fini(&tmp);
	return err;
}

/* The directory of a path; a name alone stands in ".". */
static enum err make_sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf dir = { 0 };
	enum err err;

	if (slash)
		buf_add(&dir, path, (size_t)(slash - path) + 1);
	else
		buf_add_str(&dir, ".");
	err = io_disk()->sync_dir(io_disk(), buf_cstr(&dir));
	buf_fini(&dir);
	return err;
}

static enum err make_file_of_bio(const char *path, BIO *bio)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);
	enum err err = make_file(path, slice_of(text, (size_t)len));

	return err == ERR_NONE ? make_sync_dir(path) : err;
}

static enum err make_files(const char *cert_path, X509 *cert,
			   const char *key_path, EVP_PKEY *key)
{
	/* The memory of secrets is cleared when it is freed. */
	BIO *key_bio = BIO_new(BIO_s_secmem());
	BIO *cert_bio = BIO_new(BIO_s_mem());
	enum err err;

	MUST(key_bio && cert_bio);
	MAKE(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL));
	MAKE(PEM_write_bio_X509(cert_bio, cert));
	err = make_file_of_bio(key_path, key_bio);
	if (err == ERR_NONE)
		err = make_file_of_bio(cert_path, cert_bio);
	BIO_free(key_bio);
	BIO_free(cert_bio);
	return err;
}

enum err io_tls_selfsigned(const char *cert_path, const char *key_path,
			   const char *const *names, size_t count)
{
	EVP_PKEY *key;
	X509 *cert;
	enum err err;

	if (count == 0 || count > MAKE_NAMES_MAX)
		return ERR_INVALID;
	for (size_t i = 0; i < count; i++)
		if (names[i][0] == '\0' || strlen(names[i]) > IO_HOST_MAX)
			return ERR_INVALID;
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	MUST(key);
	cert = make_cert(key, names, count);
	err = make_files(cert_path, cert, key_path, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}
