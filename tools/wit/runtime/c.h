#ifndef BLOCKTREE_H
#define BLOCKTREE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_API static __attribute__((unused))

__attribute__((import_module("blocktree"), import_name("call")))
extern uint64_t bt_host_call(uint32_t op, const void *request, uint32_t size);
__attribute__((import_module("blocktree"), import_name("take")))
extern void bt_host_take(void *reply);

/** 0 is success, else one of bt_failure. */
typedef uint32_t bt_status;

/** Text (UTF-8) or bytes, without a zero at the end. */
typedef struct {
  const uint8_t *data;
  uint32_t size;
} bt_bytes;

/** Of a text that stands in the source: BT_TEXT("milk"). */
#define BT_TEXT(text) ((bt_bytes){(const uint8_t *)(text), sizeof(text) - 1})

/* Memory of one event: everything below is gone when the next event comes. Keep what must stay in static variables. */

extern uint8_t __heap_base;
static uintptr_t bt_top;
static bool bt_is_over = true;

/** Never null: traps when there is no more memory. Eight bytes aligned. */
BT_API void *bt_reserve(uint32_t size) {
  if (bt_top == 0) bt_top = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
  uintptr_t start = bt_top;
  uintptr_t end = start + (((uintptr_t)size + 7) & ~(uintptr_t)7);
  if (end < start) __builtin_trap();
  uintptr_t held = __builtin_wasm_memory_size(0) << 16;
  if (end > held && __builtin_wasm_memory_grow(0, (end - held + 0xffff) >> 16) == SIZE_MAX) __builtin_trap();
  bt_top = end;
  return (void *)start;
}

/* What compilers call on their own; a libc's own win where there is one. */

__attribute__((weak, no_builtin)) void *memset(void *target, int value, size_t size) {
  uint8_t *to = target;
  while (size-- > 0) *to++ = (uint8_t)value;
  return target;
}

__attribute__((weak, no_builtin)) void *memcpy(void *target, const void *source, size_t size) {
  uint8_t *to = target;
  const uint8_t *from = source;
  while (size-- > 0) *to++ = *from++;
  return target;
}

BT_API void bt_copy(void *target, const void *source, uint32_t size) {
  memcpy(target, source, size);
}

BT_API bool bt_equal(bt_bytes one, bt_bytes other) {
  if (one.size != other.size) return false;
  for (uint32_t i = 0; i < one.size; i++)
    if (one.data[i] != other.data[i]) return false;
  return true;
}

/* Values in the canonical encoding (doc/spec/20-app-interface.md). */

typedef struct {
  uint8_t *data;
  uint32_t size;
} bt_writer;

BT_API bt_writer bt_write_begin(void) {
  return (bt_writer){bt_reserve(0), 0};
}

/** Nothing else reserves memory while a writer is in use, so that its bytes lie in one piece. */
BT_API uint8_t *bt_write_room(bt_writer *w, uint32_t size) {
  bt_top = (uintptr_t)w->data;
  bt_reserve(w->size + size);
  uint8_t *at = w->data + w->size;
  w->size += size;
  return at;
}

BT_API void bt_write_byte(bt_writer *w, uint8_t byte) { *bt_write_room(w, 1) = byte; }
BT_API void bt_write_nil(bt_writer *w) { bt_write_byte(w, 0xc0); }
BT_API void bt_write_bool(bt_writer *w, bool value) { bt_write_byte(w, value ? 0xc3 : 0xc2); }

BT_API void bt_write_big_endian(bt_writer *w, uint64_t value, uint32_t width) {
  uint8_t *at = bt_write_room(w, width);
  while (width-- > 0) {
    at[width] = (uint8_t)value;
    value >>= 8;
  }
}

BT_API void bt_write_sized(bt_writer *w, uint8_t head, uint32_t value) {
  uint32_t form = value < 0x100 && head != 0xdb ? 0 : value < 0x10000 ? 1 : 2;
  bt_write_byte(w, head + form);
  bt_write_big_endian(w, value, 1u << form);
}

BT_API void bt_write_uint(bt_writer *w, uint64_t value) {
  if (value < 0x80) bt_write_byte(w, (uint8_t)value);
  else if (value <= 0xffffffff) bt_write_sized(w, 0xcc, (uint32_t)value);
  else {
    bt_write_byte(w, 0xcf);
    bt_write_big_endian(w, value, 8);
  }
}

BT_API void bt_write_bin(bt_writer *w, bt_bytes value) {
  bt_write_sized(w, 0xc4, value.size);
  bt_copy(bt_write_room(w, value.size), value.data, value.size);
}

BT_API void bt_write_str(bt_writer *w, bt_bytes value) {
  if (value.size < 0x20) bt_write_byte(w, 0xa0 | (uint8_t)value.size);
  else bt_write_sized(w, 0xd9, value.size);
  bt_copy(bt_write_room(w, value.size), value.data, value.size);
}

BT_API void bt_write_array(bt_writer *w, uint32_t count) {
  if (count < 0x10) bt_write_byte(w, 0x90 | (uint8_t)count);
  else bt_write_sized(w, 0xdb, count);
}

/** Traps on bytes that the node never sends. */
typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} bt_reader;

BT_API const uint8_t *bt_read_take(bt_reader *r, uint32_t size) {
  if (size > (uint32_t)(r->end - r->at)) __builtin_trap();
  const uint8_t *start = r->at;
  r->at += size;
  return start;
}

BT_API uint64_t bt_read_big_endian(bt_reader *r, uint32_t width) {
  const uint8_t *at = bt_read_take(r, width);
  uint64_t value = 0;
  while (width-- > 0) value = value << 8 | *at++;
  return value;
}

BT_API bool bt_read_nil(bt_reader *r) {
  if (r->at == r->end || *r->at != 0xc0) return false;
  r->at++;
  return true;
}

BT_API bool bt_read_bool(bt_reader *r) { return *bt_read_take(r, 1) == 0xc3; }

BT_API uint64_t bt_read_uint(bt_reader *r) {
  uint8_t head = *bt_read_take(r, 1);
  if (head < 0x80) return head;
  if (head < 0xcc || head > 0xcf) __builtin_trap();
  return bt_read_big_endian(r, 1u << (head - 0xcc));
}

BT_API bt_bytes bt_read_bin(bt_reader *r) {
  uint8_t head = *bt_read_take(r, 1);
  if (head < 0xc4 || head > 0xc6) __builtin_trap();
  uint32_t size = (uint32_t)bt_read_big_endian(r, 1u << (head - 0xc4));
  return (bt_bytes){bt_read_take(r, size), size};
}

BT_API bt_bytes bt_read_str(bt_reader *r) {
  uint8_t head = *bt_read_take(r, 1);
  uint32_t size = head & 0x1f;
  if ((head & 0xe0) != 0xa0) {
    if (head < 0xd9 || head > 0xdb) __builtin_trap();
    size = (uint32_t)bt_read_big_endian(r, 1u << (head - 0xd9));
  }
  return (bt_bytes){bt_read_take(r, size), size};
}

BT_API uint32_t bt_read_array(bt_reader *r) {
  uint8_t head = *bt_read_take(r, 1);
  if ((head & 0xf0) == 0x90) return head & 0x0f;
  if (head != 0xdc && head != 0xdd) __builtin_trap();
  return (uint32_t)bt_read_big_endian(r, 1u << (head - 0xdb));
}

/** What the node said about the last failure, but one of bt_log_write: it is what one writes there. */
static bt_bytes bt_explanation __attribute__((unused));

BT_API bt_status bt_call(uint32_t op, const bt_writer *request, bt_reader *reply) {
  uint64_t result = bt_host_call(op, request->data, request->size);
  uint32_t size = (uint32_t)result;
  uint8_t *bytes = bt_reserve(size);
  if (size > 0) bt_host_take(bytes);
  *reply = (bt_reader){bytes, bytes + size};
  bt_status status = (bt_status)(result >> 32);
  if (status != 0 && op != 144) bt_explanation = size > 0 ? bt_read_str(reply) : (bt_bytes){0, 0};
  return status;
}

__attribute__((export_name("bt_abi_version"))) uint32_t bt_abi_version(void) { return 1; }

__attribute__((export_name("bt_alloc"))) void *bt_alloc(uint32_t size) {
  if (bt_is_over) bt_top = 0;
  bt_is_over = false;
  return bt_reserve(size);
}
