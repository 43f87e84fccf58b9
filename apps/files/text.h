/** Text that grows in the memory of one event, and what is needed to write JSON and headers with it. */
#pragma once

typedef struct {
  uint8_t *data;
  uint32_t size;
  uint32_t room;
} text;

static void put(text *t, bt_bytes more) {
  if (t->size + more.size > t->room) {
    uint32_t room = (t->size + more.size) * 2 + 256;
    uint8_t *data = bt_reserve(room);
    bt_copy(data, t->data, t->size);
    t->data = data;
    t->room = room;
  }
  bt_copy(t->data + t->size, more.data, more.size);
  t->size += more.size;
}

static void put_number(text *t, uint64_t value) {
  uint8_t digits[20];
  uint32_t at = sizeof digits;
  do digits[--at] = '0' + (uint8_t)(value % 10);
  while (value /= 10);
  put(t, (bt_bytes){digits + at, sizeof digits - at});
}

static void put_hex(text *t, bt_bytes bytes) {
  for (uint32_t i = 0; i < bytes.size; i++) {
    uint8_t pair[2] = {"0123456789abcdef"[bytes.data[i] >> 4], "0123456789abcdef"[bytes.data[i] & 15]};
    put(t, (bt_bytes){pair, 2});
  }
}

/** Between quotes. Names in the tree are UTF-8, which JSON takes as it is. */
static void put_json(text *t, bt_bytes value) {
  put(t, BT_TEXT("\""));
  for (uint32_t i = 0; i < value.size; i++) {
    uint8_t byte = value.data[i];
    if (byte < 0x20) {
      put(t, BT_TEXT("\\u00"));
      put_hex(t, (bt_bytes){&byte, 1});
      continue;
    }
    if (byte == '"' || byte == '\\') put(t, BT_TEXT("\\"));
    put(t, (bt_bytes){&byte, 1});
  }
  put(t, BT_TEXT("\""));
}

/** For a URL: everything but letters, digits and `-._~` escaped (RFC 8187 takes the same). */
static void put_escaped(text *t, bt_bytes value) {
  for (uint32_t i = 0; i < value.size; i++) {
    uint8_t byte = value.data[i];
    uint8_t lower = byte | 0x20;
    bool is_plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
                    byte == '_' || byte == '~';
    if (!is_plain) put(t, BT_TEXT("%"));
    if (is_plain) put(t, (bt_bytes){&byte, 1});
    else put_hex(t, (bt_bytes){&byte, 1});
  }
}

static bt_bytes whole(const text *t) { return (bt_bytes){t->data, t->size}; }

static bool starts_with(bt_bytes value, bt_bytes start) {
  return value.size >= start.size && bt_equal((bt_bytes){value.data, start.size}, start);
}

static bt_bytes after(bt_bytes value, uint32_t count) {
  return (bt_bytes){value.data + count, value.size - count};
}

/** The ending is given in lower case, with its dot. */
static bool ends_with(bt_bytes value, bt_bytes ending) {
  if (value.size < ending.size) return false;
  const uint8_t *at = value.data + value.size - ending.size;
  for (uint32_t i = 0; i < ending.size; i++)
    if ((at[i] | (at[i] >= 'A' && at[i] <= 'Z' ? 0x20 : 0)) != ending.data[i]) return false;
  return true;
}
