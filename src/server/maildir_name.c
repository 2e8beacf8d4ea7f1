/*
 * Names of Maildir++ folders (maildir_name.h): pure.
 */
#include "server/maildir_name.h"

#include "base/unicode.h"
#include "imap/utf7.h"

/* A dot inside of a component is '^' in the directory. */
static void add_component(struct slice component, struct buf *name)
{
	struct buf text = { 0 };

	if (imap_utf7_decode(component, &text))
		buf_add_slice(&text, component);
	buf_add_octet(name, '.');
	for (size_t i = 0; i < text.len; i++)
		buf_add_octet(name, text.data[i] == '.' ? '^' : text.data[i]);
	buf_fini(&text);
}

bool maildir_name_add(struct slice folder, struct buf *name)
{
	if (folder.len < 2 || folder.data[0] != '.' ||
	    folder.data[folder.len - 1] == '.' || !utf8_valid(folder))
		return false;
	folder = slice_from(folder, 1);
	while (folder.len > 0) {
		struct slice component = slice_cut(&folder, '.');

		if (component.len == 0)
			return false;
		add_component(component, name);
	}
	return true;
}
