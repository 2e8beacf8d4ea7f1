/*
 * Rows of a table as structs.
 *
 * Failures of reading stick to the transaction; writing cannot fail, because
 * what is written was checked when it came in.
 */
#include "cluster/row.h"

#include "base/panic.h"

bool row_of_value(struct store_txn *txn, const struct store_value *value,
		  struct codec *codec_r)
{
	*codec_r = codec_decoder(value->fields, NULL);
	if (value->version == ROW_VERSION)
		return true;
	store_txn_fail(txn, ERR_VERSION);
	return false;
}

bool row_find(struct store_txn *txn, unsigned table, struct slice key,
	      struct codec *codec_r)
{
	struct store_value value;

	return store_get(txn, table, key, &value) &&
	       row_of_value(txn, &value, codec_r);
}

bool row_end(struct store_txn *txn, struct codec *codec)
{
	if (codec_end(codec) == ERR_NONE)
		return true;
	store_txn_fail(txn, ERR_CORRUPT);
	return false;
}

struct codec row_begin(struct buf *scratch)
{
	buf_clear(scratch);
	return codec_encoder(scratch, ROW_MAX);
}

void row_put(struct store_txn *txn, unsigned table, struct slice key,
	     struct codec *codec)
{
	if (store_txn_error(txn) != ERR_NONE)
		return; /* made of rows that could not be read */
	MUST(codec_end(codec) == ERR_NONE);
	store_put(txn, table, key, ROW_VERSION, buf_slice(codec->out));
}
