/*
 * The file <data>/node on a simulated disk.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "server/identity.h"

#define DATA "data"

struct bench {
	struct disk_sim *sim;
	struct disk *disk;
	struct buf why;
};

static void bench_init(struct bench *b)
{
	*b = (struct bench){ .sim = disk_sim_new() };
	b->disk = disk_sim_disk(b->sim);
	disk_sim_make_dirs(b->sim, DATA);
}

static void bench_fini(struct bench *b)
{
	buf_fini(&b->why);
	disk_sim_free(&b->sim);
}

static void write_text(struct bench *b, const char *text)
{
	struct slice octets = slice_str(text);
	int fd;

	cr_assert_eq(b->disk->open(b->disk, DATA "/node", DISK_CREATE, &fd),
		     ERR_NONE);
	cr_assert_eq(b->disk->truncate(b->disk, fd, 0), ERR_NONE);
	if (octets.len)
		cr_assert_eq(b->disk->write(b->disk, fd, 0, &octets, 1),
			     ERR_NONE);
	b->disk->close(b->disk, fd);
}

static enum err read_text(struct bench *b, const char *text)
{
	struct identity_file identity;
	enum err err;

	write_text(b, text);
	buf_clear(&b->why);
	err = identity_read(b->disk, DATA, &identity, &b->why);
	if (!err)
		identity_fini(&identity);
	return err;
}

static struct identity_file sample(void)
{
	struct identity_file identity = {
		.cluster = "00112233445566778899aabbccddeeff",
		.node = 1,
		.name = "n1",
		.start = 7,
		.replica_count = 3,
		.ready = true,
	};

	identity.replicas = mem_zalloc(3, sizeof(*identity.replicas));
	for (unsigned i = 0; i < 3; i++) {
		identity.replicas[i].group = i * 10;
		identity.replicas[i].raft_id = (1ull << 32) + i;
	}
	return identity;
}

Test(identity, comes_back_as_it_was_written)
{
	struct bench b;
	struct identity_file given = sample();
	struct identity_file got;

	bench_init(&b);
	for (unsigned i = 0; i < 2; i++) { /* the second replaces the first */
		given.start++;
		cr_assert_eq(identity_write(b.disk, DATA, &given), ERR_NONE);
	}
	cr_assert_eq(identity_read(b.disk, DATA, &got, &b.why), ERR_NONE);
	cr_assert_str_eq(got.cluster, given.cluster);
	cr_assert_str_eq(got.name, "n1");
	cr_assert_eq(got.node, 1);
	cr_assert_eq(got.start, 9);
	cr_assert(got.ready);
	cr_assert_eq(got.replica_count, 3);
	cr_assert_eq(got.replicas[2].group, 20);
	cr_assert_eq(got.replicas[2].raft_id, (1ull << 32) + 2);
	identity_fini(&got);
	identity_fini(&given);
	bench_fini(&b);
}

Test(identity, that_was_never_written_is_not_found)
{
	struct bench b;
	struct identity_file identity;

	bench_init(&b);
	cr_assert_eq(identity_read(b.disk, DATA, &identity, &b.why),
		     ERR_NOTFOUND);
	cr_assert_eq(b.why.len, 0);
	bench_fini(&b);
}

#define CLUSTER "\"cluster\":\"00112233445566778899aabbccddeeff\""
#define HEAD \
	"{\"version\":1," CLUSTER ",\"node\":1,\"name\":\"n1\",\"start\":7,"
#define GROUP0 "{\"group\":0,\"raft_id\":\"4294967297\"}"
#define GROUP1 "{\"group\":1,\"raft_id\":\"4294967297\"}"

Test(identity, that_is_damaged_is_named)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{}",
		HEAD "\"groups\":[" GROUP0 "]",
		HEAD "\"groups\":[" GROUP0 "]} x",
		HEAD "\"groups\":[]}",
		HEAD "\"groups\":{}}",
		HEAD "\"groups\":[" GROUP1 "]}",
		HEAD "\"groups\":[" GROUP0 "," GROUP0 "]}",
		HEAD "\"groups\":[" GROUP0 "," GROUP1 "," GROUP1 "]}",
		HEAD "\"groups\":[" GROUP0 ",{\"group\":1}]}",
		HEAD "\"groups\":[" GROUP0 ",{\"group\":1,\"raft_id\":\"0\"}]}",
		HEAD "\"groups\":[" GROUP0
		     ",{\"group\":-1,\"raft_id\":\"1\"}]}",
		"{\"version\":1," CLUSTER ",\"node\":0,\"name\":\"n1\","
		"\"start\":7,\"groups\":[" GROUP0 "]}",
		"{\"version\":1," CLUSTER ",\"node\":1,\"name\":\"\","
		"\"start\":7,\"groups\":[" GROUP0 "]}",
		"{\"version\":1," CLUSTER ",\"node\":1,\"name\":\"n1\","
		"\"start\":4294967296,\"groups\":[" GROUP0 "]}",
		"{\"version\":1,\"cluster\":\"00\",\"node\":1,\"name\":\"n1\","
		"\"start\":7,\"groups\":[" GROUP0 "]}",
	};
	struct bench b;

	bench_init(&b);
	cr_assert_eq(read_text(&b, HEAD "\"groups\":[" GROUP0 "]}"), ERR_NONE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(read_text(&b, bad[i]), ERR_CORRUPT, "%s", bad[i]);
		cr_assert(strstr(buf_cstr(&b.why), DATA "/node: "));
	}
	cr_assert_eq(read_text(&b, "{\"version\":2}"), ERR_VERSION);
	bench_fini(&b);
}

Test(identity, names_are_dns_labels)
{
	cr_assert(identity_name_ok(SLICE_LIT("n1")));
	cr_assert(identity_name_ok(SLICE_LIT("Mail-7")));
	cr_assert(!identity_name_ok(SLICE_LIT("")));
	cr_assert(!identity_name_ok(SLICE_LIT("-n")));
	cr_assert(!identity_name_ok(SLICE_LIT("n-")));
	cr_assert(!identity_name_ok(SLICE_LIT("a.b")));
	cr_assert(!identity_name_ok(SLICE_LIT("a!b")));
	cr_assert(!identity_name_ok(SLICE_LIT("n\n1")));
	cr_assert(!identity_name_ok(slice_str(
		"a123456789012345678901234567890123456789012345678901234567890"
		"123")));
}
