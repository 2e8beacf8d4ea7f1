/*
 * Orders of managers as octets (order.h).
 */
#include "cluster/order.h"

#include "cluster/codec.h"
#include "cluster/report.h"

#define ORDER_VERSION 1
#define ORDER_OCTETS_MAX 512

static void order_codec(struct codec *codec, struct order *order)
{
	uint8_t version = ORDER_VERSION;
	unsigned kind = order->kind;

	codec_u8(codec, &version);
	if (version != ORDER_VERSION)
		codec_fail(codec, ERR_VERSION);
	codec_var32(codec, &order->group);
	codec_choice(codec, &kind, ORDER_ADD, ORDER_LEVEL);
	order->kind = kind;
	codec_var64(codec, &order->raft_id);
	codec_var64(codec, &order->config_index);
	if (kind == ORDER_ADD)
		codec_bytes(codec, &order->address, ORDER_ADDRESS_MAX);
	else if (kind == ORDER_ASSIGN)
		codec_choice(codec, &order->vote, REPORT_VOTE_SPARE,
			     REPORT_VOTE_VOTER);
	else if (kind == ORDER_LEVEL)
		codec_var32(codec, &order->level);
}

enum err order_encode(const struct order *order, struct buf *out)
{
	struct codec codec = codec_encoder(out, ORDER_OCTETS_MAX);
	struct order copy = *order;

	order_codec(&codec, &copy);
	return codec_end(&codec);
}

enum err order_decode(struct slice octets, struct order *order_r)
{
	struct codec codec = codec_decoder(octets, NULL);

	*order_r = (struct order){ 0 };
	order_codec(&codec, order_r);
	return codec_end(&codec);
}
