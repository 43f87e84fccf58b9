/** One range of bytes of a request (RFC 9110, section 14). Several ranges, and other units, are answered with everything. */
#pragma once

typedef enum { RANGE_ALL, RANGE_PART, RANGE_NONE } range_kind;

typedef struct {
  range_kind kind;
  uint64_t offset;
  uint64_t length;
} byte_range;

/** False when no digit stands there, or the number is beyond any file. */
static bool read_number(bt_bytes *value, uint64_t *number) {
  uint32_t count = 0;
  *number = 0;
  while (value->size > 0 && value->data[0] >= '0' && value->data[0] <= '9') {
    if (++count > 18) return false;
    *number = *number * 10 + (value->data[0] - '0');
    *value = after(*value, 1);
  }
  return count > 0;
}

static byte_range range_of(bt_bytes header, uint64_t size) {
  byte_range all = {RANGE_ALL, 0, size};
  byte_range none = {RANGE_NONE, 0, 0};
  if (!starts_with(header, BT_TEXT("bytes="))) return all;
  bt_bytes rest = after(header, 6);
  uint64_t first, last;
  bool has_first = read_number(&rest, &first);
  if (rest.size == 0 || rest.data[0] != '-') return all;
  rest = after(rest, 1);
  bool has_last = read_number(&rest, &last);
  if (rest.size != 0 || (!has_first && !has_last)) return all;
  if (!has_first) {
    if (last == 0 || size == 0) return none;
    uint64_t length = last < size ? last : size;
    return (byte_range){RANGE_PART, size - length, length};
  }
  if (has_last && last < first) return all;
  if (first >= size) return none;
  uint64_t end = has_last && last < size - 1 ? last + 1 : size;
  return (byte_range){RANGE_PART, first, end - first};
}
