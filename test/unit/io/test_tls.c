#include "io/tls.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"

static enum err server_of(const char *cert, const char *key, struct buf *why,
			  struct io_tls **tls_r)
{
	struct io_tls_pair pair = { cert, key };
	struct io_tls_server_config config = { .pairs = &pair, .count = 1 };

	buf_clear(why);
	return io_tls_server_new(&config, why, tls_r);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

Test(tls, a_pair_made_by_us_can_be_used)
{
	struct place place;
	struct buf why = { 0 };
	struct io_tls *tls, *other;
	struct stat st;

	place_init(&place);
	cr_assert(stat(place.key, &st) == 0);
	cr_assert((st.st_mode & 0777) == 0600);
	cr_assert(server_of(place.cert, place.key, &why, &tls) == ERR_NONE);
	other = io_tls_ref(tls);
	io_tls_unref(&tls);
	cr_assert(tls == NULL && other != NULL);
	io_tls_unref(&tls); /* nothing */
	io_tls_unref(&other);
	place_fini(&place);
	buf_fini(&why);
}

static X509 *read_cert(const char *path)
{
	FILE *file = fopen(path, "r");
	X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	cr_assert(cert && fclose(file) == 0);
	return cert;
}

Test(tls, a_certificate_made_by_us_is_for_its_names)
{
	struct place place;
	X509 *cert;

	place_init(&place);
	cert = read_cert(place.cert);
	cr_assert(X509_check_host(cert, "mail.example.org", 0, 0, NULL) == 1);
	cr_assert(X509_check_host(cert, "other.example.org", 0, 0, NULL) == 0);
	cr_assert(X509_check_ip_asc(cert, "127.0.0.1", 0) == 1);
	cr_assert(X509_check_ip_asc(cert, "127.0.0.2", 0) == 0);
	cr_assert(X509_check_ca(cert) == 0);
	cr_assert(X509_verify(cert, X509_get0_pubkey(cert)) == 1);
	cr_assert(X509_cmp_current_time(X509_get0_notBefore(cert)) < 0);
	cr_assert(X509_cmp_current_time(X509_get0_notAfter(cert)) > 0);
	X509_free(cert);
	place_fini(&place);
}

Test(tls, names_of_a_certificate_are_checked)
{
	static char long_name[300];
	const char *names[] = { long_name };
	struct place place;

	place_init(&place);
	cr_assert(io_tls_selfsigned(place.cert, place.key, names, 0) ==
		  ERR_INVALID);
	cr_assert(io_tls_selfsigned(place.cert, place.key, names, 1) ==
		  ERR_INVALID);
	memset(long_name, 'a', 256);
	cr_assert(io_tls_selfsigned(place.cert, place.key, names, 1) ==
		  ERR_INVALID);
	long_name[255] = '\0';
	cr_assert(io_tls_selfsigned(place.cert, place.key, names, 1) ==
		  ERR_NONE);
	place_fini(&place);
}

Test(tls, a_new_pair_has_a_new_key)
{
	static const char *const names[] = { "a.example.org" };
	struct place place;
	struct buf why = { 0 };
	struct sha256 first, second;
	struct io_tls *tls;

	place_init(&place);
	cr_assert(io_tls_key_hash(place.cert, &why, &first) == ERR_NONE);
	cr_assert(io_tls_selfsigned(place.cert, place.key, names, 1) ==
		  ERR_NONE);
	cr_assert(io_tls_key_hash(place.cert, &why, &second) == ERR_NONE);
	cr_assert(!sha256_eq(&first, &second));
	cr_assert(server_of(place.cert, place.key, &why, &tls) == ERR_NONE);
	io_tls_unref(&tls);
	place_fini(&place);
}

Test(tls, the_key_hash_is_that_of_the_key_file)
{
	struct place place;
	struct buf why = { 0 };
	struct sha256 hash, want;
	unsigned char *der = NULL;
	EVP_PKEY *key;
	FILE *file;
	int len;

	place_init(&place);
	file = fopen(place.key, "r");
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	cr_assert(key && fclose(file) == 0);
	len = i2d_PUBKEY(key, &der); /* a SubjectPublicKeyInfo */
	cr_assert(len > 0);
	sha256(slice_of(der, (size_t)len), &want);
	cr_assert(io_tls_key_hash(place.cert, &why, &hash) == ERR_NONE);
	cr_assert(sha256_eq(&hash, &want));
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	place_fini(&place);
}

Test(tls, errors_name_the_file)
{
	struct place place, other;
	struct buf why = { 0 };
	struct io_tls *tls;
	struct sha256 hash;

	place_init(&place);
	place_init(&other);
	cr_assert(server_of("/nonexistent/c", place.key, &why, &tls) ==
		  ERR_NOTFOUND);
	cr_assert(strstr(buf_cstr(&why), "/nonexistent/c"));
	cr_assert(server_of(place.cert, "/nonexistent/k", &why, &tls) ==
		  ERR_NOTFOUND);
	cr_assert(strstr(buf_cstr(&why), "/nonexistent/k"));
	cr_assert(server_of(place.cert, other.key, &why, &tls) == ERR_INVALID);
	cr_assert(strstr(buf_cstr(&why), other.key), "%s", buf_cstr(&why));
	cr_assert(server_of(place.key, place.key, &why, &tls) == ERR_INVALID);
	cr_assert(strstr(buf_cstr(&why), place.key));
	write_text(other.cert, "no certificate\n");
	cr_assert(server_of(other.cert, other.key, &why, &tls) == ERR_INVALID);
	cr_assert(strstr(buf_cstr(&why), other.cert));
	cr_assert(io_tls_key_hash(other.cert, &why, &hash) == ERR_INVALID);
	cr_assert(io_tls_key_hash("/nonexistent/c", &why, &hash) ==
		  ERR_NOTFOUND);
	place_fini(&place);
	place_fini(&other);
	buf_fini(&why);
}

Test(tls, a_key_with_a_passphrase_is_refused_without_asking)
{
	struct place place;
	struct buf why = { 0 };
	struct io_tls *tls;
	unsigned char phrase[] = "secret";
	EVP_PKEY *key;
	FILE *file;

	place_init(&place);
	file = fopen(place.key, "r");
	key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	cr_assert(key && fclose(file) == 0);
	file = fopen(place.key, "w");
	cr_assert(PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(),
					    (char *)phrase, 6, NULL,
					    NULL) == 1);
	cr_assert(fclose(file) == 0);
	EVP_PKEY_free(key);
	cr_assert(server_of(place.cert, place.key, &why, &tls) == ERR_INVALID);
	cr_assert(strstr(buf_cstr(&why), place.key));
	place_fini(&place);
	buf_fini(&why);
}

Test(tls, a_failed_reload_changes_nothing)
{
	struct place place;
	struct talk t;
	struct buf why = { 0 };

	place_init(&place);
	talk_init(&t);
	talk_use_tls(&t, &place);
	write_text(place.cert, "half written");
	cr_assert(io_tls_reload(t.server_tls, &why) == ERR_INVALID);
	cr_assert(strstr(buf_cstr(&why), place.cert));
	talk_open(&t); /* with the certificate of before, which is pinned */
	cr_assert(t.server.ups == 1 && t.client.ups == 1);
	talk_fini(&t);
	place_fini(&place);
	buf_fini(&why);
}

Test(tls, no_directory_no_pair)
{
	static const char *const names[] = { "a.example.org" };

	cr_assert(io_tls_selfsigned("/nonexistent/c", "/nonexistent/k", names,
				    1) == ERR_NOTFOUND);
}
