'use strict';
/*
 * What imapflow.py runs: each test has a mailbox of its own, and its name is
 * printed in TAP.
 */
const assert = require('node:assert');
const fs = require('node:fs');
const { ImapFlow } = require('imapflow');

const WAIT_MS = 10000;

const tests = {};

function client(options) {
	return new ImapFlow(Object.assign({
		host: 'localhost',
		port: Number(process.env.IMAPS_PORT),
		secure: true,
		tls: { ca: fs.readFileSync(process.env.IMAP_CERTIFICATE) },
		auth: { user: 'john', pass: process.env.IMAP_PASSWORD },
		logger: false,
	}, options));
}

async function withClient(options, work) {
	const flow = client(options);

	await flow.connect();
	try {
		return await work(flow);
	} finally {
		await flow.logout();
	}
}

/* A letter with text, HTML and an attachment. */
function letter(number, attachment) {
	return Buffer.from([
		'From: "John Rook" <john@example.org>',
		'To: Jane <jane@example.org>, Jim <jim@example.org>',
		`Subject: =?utf-8?B?${Buffer.from('letter № ' + number)
			.toString('base64')}?=`,
		`Message-ID: <${number}@example.org>`,
		'Date: Tue, 24 Nov 2026 18:00:00 +0100',
		'MIME-Version: 1.0',
		'Content-Type: multipart/mixed; boundary="b"',
		'',
		'--b',
		'Content-Type: text/plain; charset=utf-8',
		'Content-Transfer-Encoding: quoted-printable',
		'',
		`number=20${number} =E2=98=83`,
		'--b',
		'Content-Type: application/octet-stream; name="part.bin"',
		'Content-Disposition: attachment; filename="part.bin"',
		'Content-Transfer-Encoding: base64',
		'',
		...(attachment.toString('base64').match(/.{1,76}/g) || ['']),
		'--b--',
		'',
	].join('\r\n'));
}

const BYTES = Buffer.alloc(200000, 0).map((_, i) => (i * 7 + (i >> 8)) & 255);

async function fill(flow, mailbox, count) {
	await flow.mailboxCreate(mailbox);
	for (let i = 1; i <= count; i++)
		await flow.append(mailbox, letter(i, BYTES.subarray(0, i * 10)),
			i % 2 ? ['\\Seen'] : []);
}

async function streamed(stream) {
	const chunks = [];

	for await (const chunk of stream)
		chunks.push(chunk);
	return Buffer.concat(chunks);
}

/* The next event of that name, in time. */
function event(flow, name) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(new Error('no ' + name)),
			WAIT_MS);

		flow.once(name, (value) => {
			clearTimeout(timer);
			resolve(value);
		});
	});
}

tests.connects_with_tls_and_lists = () => withClient({}, async (flow) => {
	assert(flow.capabilities.has('IMAP4rev1'));
	assert(flow.capabilities.has('UIDPLUS'));
	assert.strictEqual(flow.namespace.delimiter, '/');
	await flow.mailboxCreate(['Work', 'Füße & Händler']);
	await flow.mailboxSubscribe('Work/Füße & Händler');
	const found = await flow.list({ statusQuery: { messages: true } });
	const inbox = found.find((box) => box.path === 'INBOX');
	const deep = found.find((box) => box.path === 'Work/Füße & Händler');

	assert.strictEqual(inbox.specialUse, '\\Inbox');
	assert.strictEqual(inbox.status.messages, 0);
	assert.strictEqual(deep.subscribed, true);
	assert.strictEqual(deep.name, 'Füße & Händler');
	await flow.mailboxRename('Work/Füße & Händler', 'Plain');
	await flow.mailboxDelete('Plain');
	assert(!(await flow.list()).some((box) => box.path === 'Plain'));
});

tests.starttls_is_used = () => withClient({
	secure: false,
	port: Number(process.env.IMAP_PORT),
}, async (flow) => {
	assert.strictEqual(flow.secureConnection, true);
	assert(await flow.status('INBOX', { messages: true }));
});

tests.a_wrong_password_is_told = async () => {
	const flow = client({ auth: { user: 'john', pass: 'wrong' } });

	await assert.rejects(flow.connect(), (err) => {
		assert.strictEqual(err.authenticationFailed, true);
		assert.strictEqual(err.serverResponseCode,
			'AUTHENTICATIONFAILED');
		return true;
	});
};

tests.appends_and_fetches_everything = () => withClient({}, async (flow) => {
	const source = letter(1, BYTES);

	await flow.mailboxCreate('Fetch');
	const appended = await flow.append('Fetch', source,
		['\\Flagged', '$Work'], new Date('2024-02-29T12:00:00Z'));
	const box = await flow.mailboxOpen('Fetch');

	assert.strictEqual(appended.uid, 1);
	assert.strictEqual(appended.uidValidity, box.uidValidity);
	assert(box.mailboxId);
	const message = await flow.fetchOne('1', {
		uid: true, flags: true, envelope: true, bodyStructure: true,
		internalDate: true, size: true, source: true, headers: true,
		bodyParts: ['1', '2.mime'],
	});

	assert.deepStrictEqual(message.source, source);
	assert.strictEqual(message.size, source.length);
	assert.deepStrictEqual([...message.flags].sort(),
		['$Work', '\\Flagged']);
	assert.strictEqual(message.internalDate.toISOString(),
		'2024-02-29T12:00:00.000Z');
	assert.strictEqual(message.envelope.subject, 'letter № 1');
	assert.strictEqual(message.envelope.messageId, '<1@example.org>');
	assert.deepStrictEqual(message.envelope.from,
		[{ name: 'John Rook', address: 'john@example.org' }]);
	assert.strictEqual(message.envelope.to.length, 2);
	assert.strictEqual(message.envelope.date.toISOString(),
		'2026-11-24T17:00:00.000Z');
	assert.strictEqual(message.bodyStructure.type, 'multipart/mixed');
	const [text, part] = message.bodyStructure.childNodes;

	assert.strictEqual(text.type, 'text/plain');
	assert.strictEqual(text.parameters.charset, 'utf-8');
	assert.strictEqual(part.disposition, 'attachment');
	assert.strictEqual(part.dispositionParameters.filename, 'part.bin');
	assert.strictEqual(part.encoding, 'base64');
	assert.match(message.headers.toString(), /^From: "John Rook"/);
	assert.match(message.bodyParts.get('1').toString(), /^number=20/);
	assert.match(message.bodyParts.get('2.mime').toString(),
		/^Content-Type: application\/octet-stream/);
});

tests.downloads_parts = () => withClient({}, async (flow) => {
	await flow.mailboxCreate('Parts');
	await flow.append('Parts', letter(1, BYTES));
	await flow.mailboxOpen('Parts', { readOnly: true });
	const whole = await flow.download('1');

	assert.deepStrictEqual(await streamed(whole.content),
		letter(1, BYTES));
	const text = await flow.download('1', '1');

	assert.strictEqual((await streamed(text.content)).toString(),
		'number 1 \u2603');
	const part = await flow.download('1', '2');

	assert.strictEqual(part.meta.filename, 'part.bin');
	assert.deepStrictEqual(await streamed(part.content), BYTES);
	const first = await flow.download('1', '2', { maxBytes: 1000 });

	assert.deepStrictEqual(await streamed(first.content),
		BYTES.subarray(0, 1000));
});

tests.changes_flags = () => withClient({}, async (flow) => {
	await fill(flow, 'Flags', 6);
	await flow.mailboxOpen('Flags');
	assert(await flow.messageFlagsAdd('1:3', ['\\Answered', '$One']));
	assert(await flow.messageFlagsRemove('3', ['$One']));
	assert(await flow.messageFlagsSet({ uid: '5:6' }, ['\\Draft']));
	const flags = {};

	for await (const message of flow.fetch('1:*', { flags: true }))
		flags[message.seq] = [...message.flags].sort().join(' ');
	assert.deepStrictEqual(flags, {
		1: '$One \\Answered \\Seen', 2: '$One \\Answered',
		3: '\\Answered \\Seen', 4: '', 5: '\\Draft', 6: '\\Draft',
	});
});

tests.searches = () => withClient({}, async (flow) => {
	await fill(flow, 'Search', 6);
	await flow.mailboxOpen('Search');
	assert.deepStrictEqual(await flow.search({ seen: true }), [1, 3, 5]);
	assert.deepStrictEqual(await flow.search({ subject: '№ 4' }), [4]);
	assert.deepStrictEqual(await flow.search({ body: '☃' }),
		[1, 2, 3, 4, 5, 6]);
	assert.deepStrictEqual(await flow.search({
		or: [{ subject: 'letter № 2' }, { header:
			{ 'Message-ID': '<5@example.org>' } }],
		from: 'rook', not: { seen: true },
	}), [2]);
	assert.deepStrictEqual(await flow.search({ uid: '2:4', seen: false },
		{ uid: true }), [2, 4]);
	assert.deepStrictEqual(await flow.search({
		since: new Date('2000-01-01'), sentBefore:
			new Date('2026-11-25') }), [1, 2, 3, 4, 5, 6]);
});

tests.copies_moves_and_deletes = () => withClient({}, async (flow) => {
	await fill(flow, 'From', 6);
	await flow.mailboxCreate('To');
	await flow.mailboxOpen('From');
	const copied = await flow.messageCopy('2:3', 'To');
	const moved = await flow.messageMove('4:5', 'To');

	assert.deepStrictEqual([...copied.uidMap], [[2, 1], [3, 2]]);
	assert.deepStrictEqual([...moved.uidMap], [[4, 3], [5, 4]]);
	assert(await flow.messageDelete({ uid: '1,6' }));
	assert.deepStrictEqual(await flow.search({ all: true },
		{ uid: true }), [2, 3]);
	const to = await flow.mailboxOpen('To');

	assert.strictEqual(to.exists, 4);
	assert.deepStrictEqual((await flow.fetchOne('4', { source: true }))
		.source, letter(5, BYTES.subarray(0, 50)));
});

tests.is_notified_while_idle = () => withClient({}, async (watcher) => {
	await fill(watcher, 'Idle', 3);
	await watcher.mailboxOpen('Idle');
	await withClient({}, async (other) => {
		await other.mailboxOpen('Idle');
		const idle = watcher.idle();

		await new Promise((resolve) => setTimeout(resolve, 200));
		const exists = event(watcher, 'exists');

		await other.append('Idle', letter(4, BYTES.subarray(0, 9)));
		assert.deepStrictEqual(await exists,
			{ path: 'Idle', count: 4, prevCount: 3 });
		const flags = event(watcher, 'flags');

		await other.messageFlagsAdd('2', ['\\Flagged']);
		const changed = await flags;

		assert.strictEqual(changed.seq, 2);
		assert(changed.flags.has('\\Flagged'));
		const expunge = event(watcher, 'expunge');

		await other.messageDelete('1');
		assert.strictEqual((await expunge).seq, 1);
		await watcher.noop(); // breaks IDLE
		await idle;
		assert.strictEqual(watcher.mailbox.exists, 3);
	});
});

tests.fetches_what_has_changed = () => withClient({}, async (flow) => {
	await fill(flow, 'Changed', 4);
	/* A copy: the library raises the one of the mailbox as it learns. */
	const { highestModseq } = await flow.mailboxOpen('Changed');

	assert.strictEqual(typeof highestModseq, 'bigint');
	await flow.messageFlagsAdd('3', ['\\Flagged']);
	const changed = await flow.fetchAll('1:*', { uid: true, flags: true },
		{ changedSince: highestModseq });

	assert.deepStrictEqual(changed.map((message) => message.uid), [3]);
	assert(changed[0].modseq > highestModseq);
	/* UNCHANGEDSINCE of before: not changed */
	await flow.messageFlagsAdd('3', ['$Late'],
		{ unchangedSince: highestModseq });
	const late = await flow.fetchOne('3', { flags: true });

	assert(!late.flags.has('$Late'));
	const status = await flow.status('Changed', { highestModseq: true });

	assert.strictEqual(status.highestModseq, changed[0].modseq);
});

tests.resynchronises_quickly = async () => {
	const options = { qresync: true };
	const known = await withClient(options, async (flow) => {
		await fill(flow, 'Resync', 8);
		return flow.mailboxOpen('Resync');
	});

	await withClient({}, async (flow) => {
		await flow.mailboxOpen('Resync');
		await flow.messageDelete('2,5:6');
		await flow.messageFlagsAdd({ uid: '7' }, ['\\Flagged']);
		await flow.append('Resync', letter(9, BYTES.subarray(0, 9)));
	});
	await withClient(options, async (flow) => {
		const gone = [];
		const changed = [];

		flow.on('expunge', (one) => gone.push(one.uid));
		flow.on('flags', (one) => changed.push(one.uid));
		const box = await flow.mailboxOpen('Resync', {
			changedSince: known.highestModseq,
			uidValidity: known.uidValidity,
		});

		assert.strictEqual(box.qresync, true);
		assert.strictEqual(box.exists, 6);
		assert.deepStrictEqual(gone, [2, 5, 6]);
		assert.deepStrictEqual(changed.sort(), [7, 9]);
		const vanished = event(flow, 'expunge');

		await flow.messageDelete({ uid: '9' });
		assert.strictEqual((await vanished).uid, 9);
	});
};

async function main() {
	let failed = 0;

	for (const [name, test] of Object.entries(tests)) {
		try {
			await test();
			console.log('ok ' + name);
		} catch (err) {
			failed++;
			console.log(err.stack + '\n' +
				(err.response || err.responseText || ''));
			console.log('not ok ' + name);
		}
	}
	process.exit(failed ? 1 : 0);
}

main();
