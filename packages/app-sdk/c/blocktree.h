/* The host interface blocktree:app@1.0.0 for C, without libc. Generated from doc/spec/blocktree.wit; do not edit. */

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

/** Why an operation failed. Its status code is the position here plus one; 0 is success. New ones are only appended. */
typedef uint32_t bt_failure;
enum {
  /** No grant covers the call. */
  BT_FAILURE_DENIED = 1,
  /** Nothing is there under this name or number. */
  BT_FAILURE_NOT_FOUND = 2,
  /** Something is there already. */
  BT_FAILURE_EXISTS = 3,
  /** It was changed since it was read, or somebody else holds it. */
  BT_FAILURE_CONFLICT = 4,
  /** More bytes or entries than the operation takes. */
  BT_FAILURE_TOO_LARGE = 5,
  /** A budget of the app is used up: host calls, bytes, handles, outstanding requests. */
  BT_FAILURE_BUDGET = 6,
  /** The request breaks a rule of the operation. */
  BT_FAILURE_INVALID = 7,
  /** Not now; try again later. */
  BT_FAILURE_BUSY = 8,
  /** The grant was taken back, or the lease ran out. */
  BT_FAILURE_REVOKED = 9,
  /** The handle is closed, or the other side went away. */
  BT_FAILURE_CLOSED = 10,
  /** The deadline passed. */
  BT_FAILURE_TIMEOUT = 11,
  /** The other side cannot be reached. */
  BT_FAILURE_UNREACHABLE = 12,
  /** This node does not offer the operation. */
  BT_FAILURE_UNSUPPORTED = 13,
  /** No room on the disk of the node, or in the quota of the app. */
  BT_FAILURE_NO_SPACE = 14,
  /** The node failed; its log says how. */
  BT_FAILURE_INTERNAL = 15
};

typedef struct {
  /** Lower case. */
  bt_bytes name;
  bt_bytes value;
} bt_header;

BT_API void bt_read_header(bt_reader *r, bt_header *v) {
  bt_read_array(r);
  v->name = bt_read_str(r);
  v->value = bt_read_str(r);
}

BT_API void bt_write_header(bt_writer *w, const bt_header *v) {
  bt_write_array(w, 2);
  bt_write_str(w, v->name);
  bt_write_str(w, v->value);
}

typedef uint32_t bt_entry_kind;
enum {
  BT_ENTRY_KIND_FILE = 0,
  BT_ENTRY_KIND_DIRECTORY = 1,
  BT_ENTRY_KIND_OTHER = 2
};

typedef struct {
  bool is_present;
  uint64_t value;
} bt_optional_uint64;

typedef struct {
  bt_bytes name;
  bt_entry_kind kind;
  uint64_t size;
  bt_optional_uint64 modified;
} bt_entry;

BT_API void bt_read_entry(bt_reader *r, bt_entry *v) {
  bt_read_array(r);
  v->name = bt_read_str(r);
  v->kind = (uint32_t)bt_read_uint(r);
  v->size = bt_read_uint(r);
  v->modified.is_present = !bt_read_nil(r);
  if (v->modified.is_present) {
    v->modified.value = bt_read_uint(r);
  }
}

BT_API void bt_write_entry(bt_writer *w, const bt_entry *v) {
  bt_write_array(w, 4);
  bt_write_str(w, v->name);
  bt_write_uint(w, v->kind);
  bt_write_uint(w, v->size);
  if (v->modified.is_present) {
    bt_write_uint(w, v->modified.value);
  } else bt_write_nil(w);
}

typedef struct {
  const bt_entry *items;
  uint32_t count;
} bt_list_of_entry;

typedef struct {
  bool is_present;
  bt_bytes value;
} bt_optional_bytes;

typedef struct {
  bt_list_of_entry entries;
  /** Give it as `after` for the next page; absent after the last. */
  bt_optional_bytes next;
} bt_entry_page;

BT_API void bt_read_entry_page(bt_reader *r, bt_entry_page *v) {
  bt_read_array(r);
  {
    uint32_t count = bt_read_array(r);
    bt_entry *items = bt_reserve(count * sizeof(bt_entry));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_entry(r, &items[i]);
    }
    v->entries.items = items;
    v->entries.count = count;
  }
  v->next.is_present = !bt_read_nil(r);
  if (v->next.is_present) {
    v->next.value = bt_read_str(r);
  }
}

BT_API void bt_write_entry_page(bt_writer *w, const bt_entry_page *v) {
  bt_write_array(w, 2);
  bt_write_array(w, v->entries.count);
  for (uint32_t i = 0; i < v->entries.count; i++) {
    bt_write_entry(w, &v->entries.items[i]);
  }
  if (v->next.is_present) {
    bt_write_str(w, v->next.value);
  } else bt_write_nil(w);
}

typedef struct {
  bt_entry_kind kind;
  uint64_t size;
  bt_optional_uint64 modified;
  bt_optional_bytes media_type;
  bt_bytes block;
  /** Counts up with every change; `version` names the change itself. */
  uint64_t sequence;
  bt_bytes version;
  /** Bytes of a sector: reads and writes of whole sectors are the cheapest. */
  uint32_t sector_size;
  /** Two writers changed it at once, and one version is shown. */
  bool conflict;
} bt_details;

BT_API void bt_read_details(bt_reader *r, bt_details *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
  v->size = bt_read_uint(r);
  v->modified.is_present = !bt_read_nil(r);
  if (v->modified.is_present) {
    v->modified.value = bt_read_uint(r);
  }
  v->media_type.is_present = !bt_read_nil(r);
  if (v->media_type.is_present) {
    v->media_type.value = bt_read_str(r);
  }
  v->block = bt_read_bin(r);
  v->sequence = bt_read_uint(r);
  v->version = bt_read_bin(r);
  v->sector_size = (uint32_t)bt_read_uint(r);
  v->conflict = bt_read_bool(r);
}

BT_API void bt_write_details(bt_writer *w, const bt_details *v) {
  bt_write_array(w, 9);
  bt_write_uint(w, v->kind);
  bt_write_uint(w, v->size);
  if (v->modified.is_present) {
    bt_write_uint(w, v->modified.value);
  } else bt_write_nil(w);
  if (v->media_type.is_present) {
    bt_write_str(w, v->media_type.value);
  } else bt_write_nil(w);
  bt_write_bin(w, v->block);
  bt_write_uint(w, v->sequence);
  bt_write_bin(w, v->version);
  bt_write_uint(w, v->sector_size);
  bt_write_bool(w, v->conflict);
}

typedef uint32_t bt_open_mode;
enum {
  BT_OPEN_MODE_READ = 1u << 0,
  BT_OPEN_MODE_WRITE = 1u << 1,
  /** Make the file when it is absent. */
  BT_OPEN_MODE_CREATE = 1u << 2,
  /** Fail with `exists` when it is there. */
  BT_OPEN_MODE_EXCLUSIVE = 1u << 3,
  /** Begin empty. */
  BT_OPEN_MODE_TRUNCATE = 1u << 4
};

typedef struct {
  uint32_t handle;
  uint64_t size;
  bt_optional_bytes version;
} bt_opened;

BT_API void bt_read_opened(bt_reader *r, bt_opened *v) {
  bt_read_array(r);
  v->handle = (uint32_t)bt_read_uint(r);
  v->size = bt_read_uint(r);
  v->version.is_present = !bt_read_nil(r);
  if (v->version.is_present) {
    v->version.value = bt_read_bin(r);
  }
}

BT_API void bt_write_opened(bt_writer *w, const bt_opened *v) {
  bt_write_array(w, 3);
  bt_write_uint(w, v->handle);
  bt_write_uint(w, v->size);
  if (v->version.is_present) {
    bt_write_bin(w, v->version.value);
  } else bt_write_nil(w);
}

enum {
  /** Whatever is there is replaced. */
  BT_EXPECTATION_ANYTHING = 0,
  /** Nothing may be there. */
  BT_EXPECTATION_ABSENT = 1,
  /** This version must be the one shown. */
  BT_EXPECTATION_VERSION = 2
};
/** What must be there for a write to succeed, else `conflict`. */
typedef struct {
  uint32_t kind;
  union {
    bt_bytes version;
  } as;
} bt_expectation;

BT_API void bt_read_expectation(bt_reader *r, bt_expectation *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
  if (v->kind == 2) {
    v->as.version = bt_read_bin(r);
  }
}

BT_API void bt_write_expectation(bt_writer *w, const bt_expectation *v) {
  bt_write_array(w, v->kind == BT_EXPECTATION_VERSION ? 2 : 1);
  bt_write_uint(w, v->kind);
  if (v->kind == 2) {
    bt_write_bin(w, v->as.version);
  }
}

typedef struct {
  bt_expectation expected;
  /** Of a lock on the file: a write under an older token than the newest given out fails with `revoked`. */
  bt_optional_uint64 token;
  bt_optional_bytes media_type;
} bt_write_options;

BT_API void bt_read_write_options(bt_reader *r, bt_write_options *v) {
  bt_read_array(r);
  bt_read_expectation(r, &v->expected);
  v->token.is_present = !bt_read_nil(r);
  if (v->token.is_present) {
    v->token.value = bt_read_uint(r);
  }
  v->media_type.is_present = !bt_read_nil(r);
  if (v->media_type.is_present) {
    v->media_type.value = bt_read_str(r);
  }
}

BT_API void bt_write_write_options(bt_writer *w, const bt_write_options *v) {
  bt_write_array(w, 3);
  bt_write_expectation(w, &v->expected);
  if (v->token.is_present) {
    bt_write_uint(w, v->token.value);
  } else bt_write_nil(w);
  if (v->media_type.is_present) {
    bt_write_str(w, v->media_type.value);
  } else bt_write_nil(w);
}

typedef struct {
  bt_bytes version;
  uint64_t sequence;
  bt_optional_uint64 size;
  bt_bytes signer;
  bt_optional_uint64 modified;
} bt_version_entry;

BT_API void bt_read_version_entry(bt_reader *r, bt_version_entry *v) {
  bt_read_array(r);
  v->version = bt_read_bin(r);
  v->sequence = bt_read_uint(r);
  v->size.is_present = !bt_read_nil(r);
  if (v->size.is_present) {
    v->size.value = bt_read_uint(r);
  }
  v->signer = bt_read_bin(r);
  v->modified.is_present = !bt_read_nil(r);
  if (v->modified.is_present) {
    v->modified.value = bt_read_uint(r);
  }
}

BT_API void bt_write_version_entry(bt_writer *w, const bt_version_entry *v) {
  bt_write_array(w, 5);
  bt_write_bin(w, v->version);
  bt_write_uint(w, v->sequence);
  if (v->size.is_present) {
    bt_write_uint(w, v->size.value);
  } else bt_write_nil(w);
  bt_write_bin(w, v->signer);
  if (v->modified.is_present) {
    bt_write_uint(w, v->modified.value);
  } else bt_write_nil(w);
}

/** Where a message goes to or comes from. */
typedef struct {
  /** The principal of the node; absent for this one. */
  bt_optional_bytes node;
  /** The name under which the app is installed there. */
  bt_bytes app;
} bt_address;

BT_API void bt_read_address(bt_reader *r, bt_address *v) {
  bt_read_array(r);
  v->node.is_present = !bt_read_nil(r);
  if (v->node.is_present) {
    v->node.value = bt_read_bin(r);
  }
  v->app = bt_read_str(r);
}

BT_API void bt_write_address(bt_writer *w, const bt_address *v) {
  bt_write_array(w, 2);
  if (v->node.is_present) {
    bt_write_bin(w, v->node.value);
  } else bt_write_nil(w);
  bt_write_str(w, v->app);
}

typedef struct {
  bool is_present;
  uint32_t value;
} bt_optional_uint32;

typedef struct {
  /** Give it to `reply`; absent when no reply is awaited. */
  bt_optional_uint32 reply_handle;
  bt_address sender;
  bt_bytes topic;
  bt_bytes content;
  /** Of a reply: the number that `send` returned. */
  bt_optional_uint64 in_reply_to;
} bt_incoming_message;

BT_API void bt_read_incoming_message(bt_reader *r, bt_incoming_message *v) {
  bt_read_array(r);
  v->reply_handle.is_present = !bt_read_nil(r);
  if (v->reply_handle.is_present) {
    v->reply_handle.value = (uint32_t)bt_read_uint(r);
  }
  bt_read_address(r, &v->sender);
  v->topic = bt_read_str(r);
  v->content = bt_read_bin(r);
  v->in_reply_to.is_present = !bt_read_nil(r);
  if (v->in_reply_to.is_present) {
    v->in_reply_to.value = bt_read_uint(r);
  }
}

BT_API void bt_write_incoming_message(bt_writer *w, const bt_incoming_message *v) {
  bt_write_array(w, 5);
  if (v->reply_handle.is_present) {
    bt_write_uint(w, v->reply_handle.value);
  } else bt_write_nil(w);
  bt_write_address(w, &v->sender);
  bt_write_str(w, v->topic);
  bt_write_bin(w, v->content);
  if (v->in_reply_to.is_present) {
    bt_write_uint(w, v->in_reply_to.value);
  } else bt_write_nil(w);
}

typedef struct {
  uint32_t lock;
  uint64_t token;
  /** Renew before it has passed. The lock is released by itself then, and when the app ends. */
  uint32_t expires_in;
} bt_lease;

BT_API void bt_read_lease(bt_reader *r, bt_lease *v) {
  bt_read_array(r);
  v->lock = (uint32_t)bt_read_uint(r);
  v->token = bt_read_uint(r);
  v->expires_in = (uint32_t)bt_read_uint(r);
}

BT_API void bt_write_lease(bt_writer *w, const bt_lease *v) {
  bt_write_array(w, 3);
  bt_write_uint(w, v->lock);
  bt_write_uint(w, v->token);
  bt_write_uint(w, v->expires_in);
}

typedef uint32_t bt_change_kind;
enum {
  BT_CHANGE_KIND_CREATED = 0,
  BT_CHANGE_KIND_CHANGED = 1,
  BT_CHANGE_KIND_MOVED = 2,
  BT_CHANGE_KIND_REMOVED = 3,
  BT_CHANGE_KIND_RESTORED = 4,
  /** Written apart, on two nodes: one version is shown and the other kept (`stat` says `conflict`). What is shown may have changed with it. */
  BT_CHANGE_KIND_CONFLICTED = 5
};

typedef struct {
  bt_change_kind kind;
  bt_bytes path;
} bt_change;

BT_API void bt_read_change(bt_reader *r, bt_change *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
  v->path = bt_read_str(r);
}

BT_API void bt_write_change(bt_writer *w, const bt_change *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->kind);
  bt_write_str(w, v->path);
}

typedef struct {
  const bt_change *items;
  uint32_t count;
} bt_list_of_change;

typedef struct {
  uint32_t watch;
  bt_list_of_change changes;
  /** More happened than is told here: read anew what the app depends on. */
  bool overrun;
} bt_changes;

BT_API void bt_read_changes(bt_reader *r, bt_changes *v) {
  bt_read_array(r);
  v->watch = (uint32_t)bt_read_uint(r);
  {
    uint32_t count = bt_read_array(r);
    bt_change *items = bt_reserve(count * sizeof(bt_change));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_change(r, &items[i]);
    }
    v->changes.items = items;
    v->changes.count = count;
  }
  v->overrun = bt_read_bool(r);
}

BT_API void bt_write_changes(bt_writer *w, const bt_changes *v) {
  bt_write_array(w, 3);
  bt_write_uint(w, v->watch);
  bt_write_array(w, v->changes.count);
  for (uint32_t i = 0; i < v->changes.count; i++) {
    bt_write_change(w, &v->changes.items[i]);
  }
  bt_write_bool(w, v->overrun);
}

typedef struct {
  const bt_header *items;
  uint32_t count;
} bt_list_of_header;

typedef struct {
  /** Upper case. */
  bt_bytes method;
  /** `http` or `https`. Scheme, host and port decide whether the grant covers it; a header `host` is refused. */
  bt_bytes url;
  bt_list_of_header headers;
  bt_bytes content;
  uint32_t timeout;
  /** Followed while every target is covered by the grant too. */
  uint32_t redirects_max;
} bt_outgoing_request;

BT_API void bt_read_outgoing_request(bt_reader *r, bt_outgoing_request *v) {
  bt_read_array(r);
  v->method = bt_read_str(r);
  v->url = bt_read_str(r);
  {
    uint32_t count = bt_read_array(r);
    bt_header *items = bt_reserve(count * sizeof(bt_header));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_header(r, &items[i]);
    }
    v->headers.items = items;
    v->headers.count = count;
  }
  v->content = bt_read_bin(r);
  v->timeout = (uint32_t)bt_read_uint(r);
  v->redirects_max = (uint32_t)bt_read_uint(r);
}

BT_API void bt_write_outgoing_request(bt_writer *w, const bt_outgoing_request *v) {
  bt_write_array(w, 6);
  bt_write_str(w, v->method);
  bt_write_str(w, v->url);
  bt_write_array(w, v->headers.count);
  for (uint32_t i = 0; i < v->headers.count; i++) {
    bt_write_header(w, &v->headers.items[i]);
  }
  bt_write_bin(w, v->content);
  bt_write_uint(w, v->timeout);
  bt_write_uint(w, v->redirects_max);
}

typedef struct {
  uint32_t status;
  bt_list_of_header headers;
  /** What came at once. */
  bt_bytes content;
  /** Where to read the rest; absent when `content` is all of it. */
  bt_optional_uint32 rest;
} bt_incoming_response;

BT_API void bt_read_incoming_response(bt_reader *r, bt_incoming_response *v) {
  bt_read_array(r);
  v->status = (uint32_t)bt_read_uint(r);
  {
    uint32_t count = bt_read_array(r);
    bt_header *items = bt_reserve(count * sizeof(bt_header));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_header(r, &items[i]);
    }
    v->headers.items = items;
    v->headers.count = count;
  }
  v->content = bt_read_bin(r);
  v->rest.is_present = !bt_read_nil(r);
  if (v->rest.is_present) {
    v->rest.value = (uint32_t)bt_read_uint(r);
  }
}

BT_API void bt_write_incoming_response(bt_writer *w, const bt_incoming_response *v) {
  bt_write_array(w, 4);
  bt_write_uint(w, v->status);
  bt_write_array(w, v->headers.count);
  for (uint32_t i = 0; i < v->headers.count; i++) {
    bt_write_header(w, &v->headers.items[i]);
  }
  bt_write_bin(w, v->content);
  if (v->rest.is_present) {
    bt_write_uint(w, v->rest.value);
  } else bt_write_nil(w);
}

/** A part of a body. */
typedef struct {
  bt_bytes content;
  /** Nothing follows. */
  bool last;
} bt_body_part;

BT_API void bt_read_body_part(bt_reader *r, bt_body_part *v) {
  bt_read_array(r);
  v->content = bt_read_bin(r);
  v->last = bt_read_bool(r);
}

BT_API void bt_write_body_part(bt_writer *w, const bt_body_part *v) {
  bt_write_array(w, 2);
  bt_write_bin(w, v->content);
  bt_write_bool(w, v->last);
}

typedef struct {
  uint32_t request;
  bt_bytes method;
  /** Decoded and normalised: no `.`, `..` or empty component inside. */
  bt_bytes path;
  /** Without the question mark; absent when there is none. */
  bt_optional_bytes query;
  bt_list_of_header headers;
  /** What has come of the body. */
  bt_bytes content;
  /** More is to be read with `read`. */
  bool more;
  /** Of the client, as text, when the grant lets the app see it. */
  bt_optional_bytes client;
} bt_incoming_request;

BT_API void bt_read_incoming_request(bt_reader *r, bt_incoming_request *v) {
  bt_read_array(r);
  v->request = (uint32_t)bt_read_uint(r);
  v->method = bt_read_str(r);
  v->path = bt_read_str(r);
  v->query.is_present = !bt_read_nil(r);
  if (v->query.is_present) {
    v->query.value = bt_read_str(r);
  }
  {
    uint32_t count = bt_read_array(r);
    bt_header *items = bt_reserve(count * sizeof(bt_header));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_header(r, &items[i]);
    }
    v->headers.items = items;
    v->headers.count = count;
  }
  v->content = bt_read_bin(r);
  v->more = bt_read_bool(r);
  v->client.is_present = !bt_read_nil(r);
  if (v->client.is_present) {
    v->client.value = bt_read_str(r);
  }
}

BT_API void bt_write_incoming_request(bt_writer *w, const bt_incoming_request *v) {
  bt_write_array(w, 8);
  bt_write_uint(w, v->request);
  bt_write_str(w, v->method);
  bt_write_str(w, v->path);
  if (v->query.is_present) {
    bt_write_str(w, v->query.value);
  } else bt_write_nil(w);
  bt_write_array(w, v->headers.count);
  for (uint32_t i = 0; i < v->headers.count; i++) {
    bt_write_header(w, &v->headers.items[i]);
  }
  bt_write_bin(w, v->content);
  bt_write_bool(w, v->more);
  if (v->client.is_present) {
    bt_write_str(w, v->client.value);
  } else bt_write_nil(w);
}

typedef struct {
  uint32_t file;
  uint64_t offset;
  uint64_t length;
} bt_file_range;

BT_API void bt_read_file_range(bt_reader *r, bt_file_range *v) {
  bt_read_array(r);
  v->file = (uint32_t)bt_read_uint(r);
  v->offset = bt_read_uint(r);
  v->length = bt_read_uint(r);
}

BT_API void bt_write_file_range(bt_writer *w, const bt_file_range *v) {
  bt_write_array(w, 3);
  bt_write_uint(w, v->file);
  bt_write_uint(w, v->offset);
  bt_write_uint(w, v->length);
}

enum {
  BT_RESPONSE_BODY_EMPTY = 0,
  BT_RESPONSE_BODY_CONTENT = 1,
  /** The node sends it from an open file; the bytes never enter the app. The node closes the handle. */
  BT_RESPONSE_BODY_FILE = 2,
  /** The app goes on with `write` and ends with `finish`, in this event or a later one. */
  BT_RESPONSE_BODY_STREAMED = 3
};
typedef struct {
  uint32_t kind;
  union {
    bt_bytes content;
    bt_file_range file;
  } as;
} bt_response_body;

BT_API void bt_read_response_body(bt_reader *r, bt_response_body *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
  if (v->kind == 1) {
    v->as.content = bt_read_bin(r);
  }
  if (v->kind == 2) {
    bt_read_file_range(r, &v->as.file);
  }
}

BT_API void bt_write_response_body(bt_writer *w, const bt_response_body *v) {
  bt_write_array(w, v->kind == BT_RESPONSE_BODY_CONTENT || v->kind == BT_RESPONSE_BODY_FILE ? 2 : 1);
  bt_write_uint(w, v->kind);
  if (v->kind == 1) {
    bt_write_bin(w, v->as.content);
  }
  if (v->kind == 2) {
    bt_write_file_range(w, &v->as.file);
  }
}

typedef struct {
  uint32_t status;
  bt_list_of_header headers;
  bt_response_body body;
} bt_response;

BT_API void bt_read_response(bt_reader *r, bt_response *v) {
  bt_read_array(r);
  v->status = (uint32_t)bt_read_uint(r);
  {
    uint32_t count = bt_read_array(r);
    bt_header *items = bt_reserve(count * sizeof(bt_header));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_header(r, &items[i]);
    }
    v->headers.items = items;
    v->headers.count = count;
  }
  bt_read_response_body(r, &v->body);
}

BT_API void bt_write_response(bt_writer *w, const bt_response *v) {
  bt_write_array(w, 3);
  bt_write_uint(w, v->status);
  bt_write_array(w, v->headers.count);
  for (uint32_t i = 0; i < v->headers.count; i++) {
    bt_write_header(w, &v->headers.items[i]);
  }
  bt_write_response_body(w, &v->body);
}

enum {
  BT_HTTP_ANSWER_NOW = 0,
  /** Answered by `respond` in a later event. */
  BT_HTTP_ANSWER_LATER = 1
};
/** What an event `http` answers. */
typedef struct {
  uint32_t kind;
  union {
    bt_response now;
  } as;
} bt_http_answer;

BT_API void bt_read_http_answer(bt_reader *r, bt_http_answer *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
  if (v->kind == 0) {
    bt_read_response(r, &v->as.now);
  }
}

BT_API void bt_write_http_answer(bt_writer *w, const bt_http_answer *v) {
  bt_write_array(w, v->kind == BT_HTTP_ANSWER_NOW ? 2 : 1);
  bt_write_uint(w, v->kind);
  if (v->kind == 0) {
    bt_write_response(w, &v->as.now);
  }
}

/** An address as text, or a name that the node resolves. */
typedef struct {
  bt_bytes host;
  uint32_t port;
} bt_endpoint;

BT_API void bt_read_endpoint(bt_reader *r, bt_endpoint *v) {
  bt_read_array(r);
  v->host = bt_read_str(r);
  v->port = (uint32_t)bt_read_uint(r);
}

BT_API void bt_write_endpoint(bt_writer *w, const bt_endpoint *v) {
  bt_write_array(w, 2);
  bt_write_str(w, v->host);
  bt_write_uint(w, v->port);
}

typedef uint32_t bt_shutdown_kind;
enum {
  BT_SHUTDOWN_KIND_RECEIVE = 0,
  BT_SHUTDOWN_KIND_SEND = 1,
  BT_SHUTDOWN_KIND_BOTH = 2
};

typedef struct {
  uint32_t socket;
  bt_endpoint peer;
} bt_accepted;

BT_API void bt_read_accepted(bt_reader *r, bt_accepted *v) {
  bt_read_array(r);
  v->socket = (uint32_t)bt_read_uint(r);
  bt_read_endpoint(r, &v->peer);
}

BT_API void bt_write_accepted(bt_writer *w, const bt_accepted *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->socket);
  bt_write_endpoint(w, &v->peer);
}

typedef struct {
  bt_bytes content;
  /** The other side sends nothing any more. */
  bool last;
} bt_received;

BT_API void bt_read_received(bt_reader *r, bt_received *v) {
  bt_read_array(r);
  v->content = bt_read_bin(r);
  v->last = bt_read_bool(r);
}

BT_API void bt_write_received(bt_writer *w, const bt_received *v) {
  bt_write_array(w, 2);
  bt_write_bin(w, v->content);
  bt_write_bool(w, v->last);
}

typedef struct {
  bt_endpoint peer;
  bt_bytes content;
} bt_datagram;

BT_API void bt_read_datagram(bt_reader *r, bt_datagram *v) {
  bt_read_array(r);
  bt_read_endpoint(r, &v->peer);
  v->content = bt_read_bin(r);
}

BT_API void bt_write_datagram(bt_writer *w, const bt_datagram *v) {
  bt_write_array(w, 2);
  bt_write_endpoint(w, &v->peer);
  bt_write_bin(w, v->content);
}

typedef uint32_t bt_readiness_kind;
enum {
  BT_READINESS_KIND_READABLE = 0,
  BT_READINESS_KIND_ACCEPTABLE = 1,
  BT_READINESS_KIND_CLOSED = 2
};

typedef struct {
  uint32_t socket;
  bt_readiness_kind kind;
} bt_readiness;

BT_API void bt_read_readiness(bt_reader *r, bt_readiness *v) {
  bt_read_array(r);
  v->socket = (uint32_t)bt_read_uint(r);
  v->kind = (uint32_t)bt_read_uint(r);
}

BT_API void bt_write_readiness(bt_writer *w, const bt_readiness *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->socket);
  bt_write_uint(w, v->kind);
}

typedef struct {
  uint32_t timer;
  /** Ticks of a repeating timer that were left out because the app was busy. */
  uint32_t missed;
} bt_tick;

BT_API void bt_read_tick(bt_reader *r, bt_tick *v) {
  bt_read_array(r);
  v->timer = (uint32_t)bt_read_uint(r);
  v->missed = (uint32_t)bt_read_uint(r);
}

BT_API void bt_write_tick(bt_writer *w, const bt_tick *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->timer);
  bt_write_uint(w, v->missed);
}

typedef struct {
  uint64_t now;
  /** Microseconds since the app was started; never goes back. */
  uint64_t monotonic;
} bt_clock_time;

BT_API void bt_read_clock_time(bt_reader *r, bt_clock_time *v) {
  bt_read_array(r);
  v->now = bt_read_uint(r);
  v->monotonic = bt_read_uint(r);
}

BT_API void bt_write_clock_time(bt_writer *w, const bt_clock_time *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->now);
  bt_write_uint(w, v->monotonic);
}

typedef uint32_t bt_log_level;
enum {
  BT_LOG_LEVEL_DEBUG = 0,
  BT_LOG_LEVEL_INFO = 1,
  BT_LOG_LEVEL_WARNING = 2,
  BT_LOG_LEVEL_ERROR = 3
};

typedef struct {
  const bt_bytes *items;
  uint32_t count;
} bt_list_of_bytes;

typedef struct {
  bt_list_of_bytes keys;
  /** Give it as `after` for the next page; absent after the last. */
  bt_optional_bytes next;
} bt_key_page;

BT_API void bt_read_key_page(bt_reader *r, bt_key_page *v) {
  bt_read_array(r);
  {
    uint32_t count = bt_read_array(r);
    bt_bytes *items = bt_reserve(count * sizeof(bt_bytes));
    for (uint32_t i = 0; i < count; i++) {
      items[i] = bt_read_str(r);
    }
    v->keys.items = items;
    v->keys.count = count;
  }
  v->next.is_present = !bt_read_nil(r);
  if (v->next.is_present) {
    v->next.value = bt_read_str(r);
  }
}

BT_API void bt_write_key_page(bt_writer *w, const bt_key_page *v) {
  bt_write_array(w, 2);
  bt_write_array(w, v->keys.count);
  for (uint32_t i = 0; i < v->keys.count; i++) {
    bt_write_str(w, v->keys.items[i]);
  }
  if (v->next.is_present) {
    bt_write_str(w, v->next.value);
  } else bt_write_nil(w);
}

typedef uint32_t bt_permission_kind;
enum {
  BT_PERMISSION_KIND_FILES = 0,
  BT_PERMISSION_KIND_MESSAGES = 1,
  BT_PERMISSION_KIND_HTTP_CLIENT = 2,
  BT_PERMISSION_KIND_HTTP_SERVER = 3,
  BT_PERMISSION_KIND_SOCKETS = 4
};

typedef uint32_t bt_file_rights;
enum {
  BT_FILE_RIGHTS_READ = 1u << 0,
  BT_FILE_RIGHTS_WRITE = 1u << 1,
  BT_FILE_RIGHTS_CREATE = 1u << 2,
  BT_FILE_RIGHTS_LIST = 1u << 3,
  BT_FILE_RIGHTS_REMOVE = 1u << 4,
  BT_FILE_RIGHTS_LOCK = 1u << 5
};

typedef uint32_t bt_object_kind;
enum {
  BT_OBJECT_KIND_FOLDER = 0,
  BT_OBJECT_KIND_FILE = 1
};

typedef struct {
  /** The name in the manifest, or the one given to `ask`; of a files permission also the first component of its paths. */
  bt_bytes name;
  bt_permission_kind kind;
  /** Of a files permission. */
  bt_file_rights rights;
  /** Asked for at run time. */
  bool asked;
} bt_granted_permission;

BT_API void bt_read_granted_permission(bt_reader *r, bt_granted_permission *v) {
  bt_read_array(r);
  v->name = bt_read_str(r);
  v->kind = (uint32_t)bt_read_uint(r);
  v->rights = (uint32_t)bt_read_uint(r);
  v->asked = bt_read_bool(r);
}

BT_API void bt_write_granted_permission(bt_writer *w, const bt_granted_permission *v) {
  bt_write_array(w, 4);
  bt_write_str(w, v->name);
  bt_write_uint(w, v->kind);
  bt_write_uint(w, v->rights);
  bt_write_bool(w, v->asked);
}

/** The person picks the object; the app names none. */
typedef struct {
  /** Under which name the grant is to be used: lower-case letters, digits and hyphens. */
  bt_bytes name;
  bt_object_kind object;
  bt_file_rights rights;
  /** Shown to the person as the app's own words. */
  bt_bytes reason;
} bt_file_question;

BT_API void bt_read_file_question(bt_reader *r, bt_file_question *v) {
  bt_read_array(r);
  v->name = bt_read_str(r);
  v->object = (uint32_t)bt_read_uint(r);
  v->rights = (uint32_t)bt_read_uint(r);
  v->reason = bt_read_str(r);
}

BT_API void bt_write_file_question(bt_writer *w, const bt_file_question *v) {
  bt_write_array(w, 4);
  bt_write_str(w, v->name);
  bt_write_uint(w, v->object);
  bt_write_uint(w, v->rights);
  bt_write_str(w, v->reason);
}

enum {
  /** May be used at once, under the name that was asked for. */
  BT_QUESTION_OUTCOME_GRANTED = 0,
  BT_QUESTION_OUTCOME_DECLINED = 1,
  /** Nobody answered in time. */
  BT_QUESTION_OUTCOME_UNANSWERED = 2
};
typedef struct {
  uint32_t kind;
} bt_question_outcome;

BT_API void bt_read_question_outcome(bt_reader *r, bt_question_outcome *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);

}

BT_API void bt_write_question_outcome(bt_writer *w, const bt_question_outcome *v) {
  bt_write_array(w, 1);
  bt_write_uint(w, v->kind);

}

typedef struct {
  uint32_t question;
  bt_question_outcome outcome;
} bt_question_answer;

BT_API void bt_read_question_answer(bt_reader *r, bt_question_answer *v) {
  bt_read_array(r);
  v->question = (uint32_t)bt_read_uint(r);
  bt_read_question_outcome(r, &v->outcome);
}

BT_API void bt_write_question_answer(bt_writer *w, const bt_question_answer *v) {
  bt_write_array(w, 2);
  bt_write_uint(w, v->question);
  bt_write_question_outcome(w, &v->outcome);
}

typedef uint32_t bt_start_reason;
enum {
  BT_START_REASON_INSTALLED = 0,
  BT_START_REASON_STARTED = 1,
  BT_START_REASON_UPGRADED = 2,
  BT_START_REASON_RESTARTED_AFTER_FAILURE = 3
};

typedef struct {
  const bt_granted_permission *items;
  uint32_t count;
} bt_list_of_granted_permission;

typedef struct {
  bt_start_reason reason;
  uint32_t version;
  /** The name under which the app is installed here. */
  bt_bytes installation;
  bt_list_of_granted_permission granted;
} bt_launch;

BT_API void bt_read_launch(bt_reader *r, bt_launch *v) {
  bt_read_array(r);
  v->reason = (uint32_t)bt_read_uint(r);
  v->version = (uint32_t)bt_read_uint(r);
  v->installation = bt_read_str(r);
  {
    uint32_t count = bt_read_array(r);
    bt_granted_permission *items = bt_reserve(count * sizeof(bt_granted_permission));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_granted_permission(r, &items[i]);
    }
    v->granted.items = items;
    v->granted.count = count;
  }
}

BT_API void bt_write_launch(bt_writer *w, const bt_launch *v) {
  bt_write_array(w, 4);
  bt_write_uint(w, v->reason);
  bt_write_uint(w, v->version);
  bt_write_str(w, v->installation);
  bt_write_array(w, v->granted.count);
  for (uint32_t i = 0; i < v->granted.count; i++) {
    bt_write_granted_permission(w, &v->granted.items[i]);
  }
}

typedef struct {
  const bt_version_entry *items;
  uint32_t count;
} bt_list_of_version_entry;



/** Reads a range of a file in one call. */
BT_API bt_status bt_files_read_file(bt_bytes path, uint64_t offset, uint32_t length, bt_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, path);
  bt_write_uint(w, offset);
  bt_write_uint(w, length);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(1, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bin(r);
  return 0;
}

/** Writes a whole file in one call; durable when it returns. The version is the new one. */
BT_API bt_status bt_files_write_file(bt_bytes path, bt_bytes content, const bt_write_options *options, bt_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, path);
  bt_write_bin(w, content);
  bt_write_write_options(w, &(*options));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(2, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bin(r);
  return 0;
}

BT_API bt_status bt_files_open(bt_bytes path, bt_open_mode mode, bt_opened *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, path);
  bt_write_uint(w, mode);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(3, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_opened(r, &(*reply));
  return 0;
}

/** Opens an older version for reading. */
BT_API bt_status bt_files_open_version(bt_bytes path, bt_bytes version, bt_opened *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, path);
  bt_write_bin(w, version);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(4, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_opened(r, &(*reply));
  return 0;
}

/** Fewer bytes than asked for only at the end of the file. */
BT_API bt_status bt_files_read(uint32_t handle, uint64_t offset, uint32_t length, bt_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_uint(w, handle);
  bt_write_uint(w, offset);
  bt_write_uint(w, length);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(5, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bin(r);
  return 0;
}

/** Kept with the handle until `commit`. Beyond the end the gap reads as zeros. */
BT_API bt_status bt_files_write(uint32_t handle, uint64_t offset, bt_bytes content) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_uint(w, handle);
  bt_write_uint(w, offset);
  bt_write_bin(w, content);
  bt_reader reader_, *r = &reader_;
  return bt_call(6, &writer_, r);
}

BT_API bt_status bt_files_set_size(uint32_t handle, uint64_t size) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, handle);
  bt_write_uint(w, size);
  bt_reader reader_, *r = &reader_;
  return bt_call(7, &writer_, r);
}

/** Makes all that was written through the handle one new version; durable when it returns. */
BT_API bt_status bt_files_commit(uint32_t handle, const bt_write_options *options, bt_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, handle);
  bt_write_write_options(w, &(*options));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(8, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bin(r);
  return 0;
}

/** Writes that were not committed are dropped. */
BT_API bt_status bt_files_close(uint32_t handle) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, handle);
  bt_reader reader_, *r = &reader_;
  return bt_call(9, &writer_, r);
}

BT_API bt_status bt_files_create_directory(bt_bytes path) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_str(w, path);
  bt_reader reader_, *r = &reader_;
  return bt_call(10, &writer_, r);
}

/** In the order of the names' bytes. */
BT_API bt_status bt_files_list_directory(bt_bytes path, bt_optional_bytes after, uint32_t limit, bt_entry_page *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, path);
  if (after.is_present) {
    bt_write_str(w, after.value);
  } else bt_write_nil(w);
  bt_write_uint(w, limit);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(11, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_entry_page(r, &(*reply));
  return 0;
}

BT_API bt_status bt_files_stat(bt_bytes path, bt_details *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_str(w, path);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(12, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_details(r, &(*reply));
  return 0;
}

/** A file, or an empty directory; with `recursive` whatever is in it. */
BT_API bt_status bt_files_remove(bt_bytes path, bool recursive, const bt_expectation *expected) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, path);
  bt_write_bool(w, recursive);
  bt_write_expectation(w, &(*expected));
  bt_reader reader_, *r = &reader_;
  return bt_call(13, &writer_, r);
}

/** Within one grant. Needs the rights `remove` and `create`. */
BT_API bt_status bt_files_move_entry(bt_bytes source, bt_bytes target) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, source);
  bt_write_str(w, target);
  bt_reader reader_, *r = &reader_;
  return bt_call(14, &writer_, r);
}

/** Newest first. */
BT_API bt_status bt_files_history(bt_bytes path, uint32_t limit, bt_list_of_version_entry *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, path);
  bt_write_uint(w, limit);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(15, &writer_, r);
  if (status_ != 0) return status_;
  {
    uint32_t count = bt_read_array(r);
    bt_version_entry *items = bt_reserve(count * sizeof(bt_version_entry));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_version_entry(r, &items[i]);
    }
    (*reply).items = items;
    (*reply).count = count;
  }
  return 0;
}

/** Queues a message; it is delivered at most once. Returns its number. */
BT_API bt_status bt_messages_send(const bt_address *recipient, bt_bytes topic, bt_bytes content, bt_optional_uint32 reply_within, uint64_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 4);
  bt_write_address(w, &(*recipient));
  bt_write_str(w, topic);
  bt_write_bin(w, content);
  if (reply_within.is_present) {
    bt_write_uint(w, reply_within.value);
  } else bt_write_nil(w);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(32, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_messages_reply(uint32_t message, bt_bytes content) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, message);
  bt_write_bin(w, content);
  bt_reader reader_, *r = &reader_;
  return bt_call(33, &writer_, r);
}

/** Waits up to `wait`, then fails with `conflict`. */
BT_API bt_status bt_locks_acquire(bt_bytes path, uint32_t ttl, uint32_t wait, bt_lease *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, path);
  bt_write_uint(w, ttl);
  bt_write_uint(w, wait);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(48, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_lease(r, &(*reply));
  return 0;
}

/** Fails with `revoked` when the lease has run out. */
BT_API bt_status bt_locks_renew(uint32_t lock, uint32_t ttl, bt_lease *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, lock);
  bt_write_uint(w, ttl);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(49, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_lease(r, &(*reply));
  return 0;
}

BT_API bt_status bt_locks_release(uint32_t lock) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, lock);
  bt_reader reader_, *r = &reader_;
  return bt_call(50, &writer_, r);
}

/** Changes come as the event `changed`. */
BT_API bt_status bt_watch_start(bt_bytes path, bool recursive, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, path);
  bt_write_bool(w, recursive);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(64, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_watch_end(uint32_t watch) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, watch);
  bt_reader reader_, *r = &reader_;
  return bt_call(65, &writer_, r);
}

BT_API bt_status bt_http_client_request(const bt_outgoing_request *request, bt_incoming_response *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_outgoing_request(w, &(*request));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(80, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_incoming_response(r, &(*reply));
  return 0;
}

BT_API bt_status bt_http_client_read(uint32_t rest, uint32_t length, bt_body_part *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, rest);
  bt_write_uint(w, length);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(81, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_body_part(r, &(*reply));
  return 0;
}

BT_API bt_status bt_http_client_close(uint32_t rest) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, rest);
  bt_reader reader_, *r = &reader_;
  return bt_call(82, &writer_, r);
}

/** More of a request's body. */
BT_API bt_status bt_http_server_read(uint32_t request, uint32_t length, bt_body_part *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, request);
  bt_write_uint(w, length);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(96, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_body_part(r, &(*reply));
  return 0;
}

/** Answers a request whose event was answered with `later`, or early, from within the event; the event's own answer is then `later`. */
BT_API bt_status bt_http_server_respond(uint32_t request, const bt_response *response) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, request);
  bt_write_response(w, &(*response));
  bt_reader reader_, *r = &reader_;
  return bt_call(97, &writer_, r);
}

/** More of a streamed body. Waits while the client takes it slowly; `closed` when it is gone. */
BT_API bt_status bt_http_server_write(uint32_t request, bt_bytes content) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, request);
  bt_write_bin(w, content);
  bt_reader reader_, *r = &reader_;
  return bt_call(98, &writer_, r);
}

/** Ends a streamed body. */
BT_API bt_status bt_http_server_finish(uint32_t request) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, request);
  bt_reader reader_, *r = &reader_;
  return bt_call(99, &writer_, r);
}

BT_API bt_status bt_sockets_tcp_connect(const bt_endpoint *remote, uint32_t timeout, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_endpoint(w, &(*remote));
  bt_write_uint(w, timeout);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(112, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_sockets_tcp_listen(const bt_endpoint *local, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_endpoint(w, &(*local));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(113, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

/** Fails with `timeout` when nobody came. */
BT_API bt_status bt_sockets_accept(uint32_t listener, uint32_t wait, bt_accepted *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, listener);
  bt_write_uint(w, wait);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(114, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_accepted(r, &(*reply));
  return 0;
}

BT_API bt_status bt_sockets_send(uint32_t socket, bt_bytes content) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, socket);
  bt_write_bin(w, content);
  bt_reader reader_, *r = &reader_;
  return bt_call(115, &writer_, r);
}

/** Fails with `timeout` when nothing came. */
BT_API bt_status bt_sockets_receive(uint32_t socket, uint32_t length, uint32_t wait, bt_received *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_uint(w, socket);
  bt_write_uint(w, length);
  bt_write_uint(w, wait);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(116, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_received(r, &(*reply));
  return 0;
}

BT_API bt_status bt_sockets_shutdown(uint32_t socket, bt_shutdown_kind kind) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, socket);
  bt_write_uint(w, kind);
  bt_reader reader_, *r = &reader_;
  return bt_call(117, &writer_, r);
}

BT_API bt_status bt_sockets_udp_bind(const bt_endpoint *local, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_endpoint(w, &(*local));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(118, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_sockets_udp_send(uint32_t socket, const bt_datagram *datagram) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, socket);
  bt_write_datagram(w, &(*datagram));
  bt_reader reader_, *r = &reader_;
  return bt_call(119, &writer_, r);
}

BT_API bt_status bt_sockets_udp_receive(uint32_t socket, uint32_t wait, bt_datagram *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, socket);
  bt_write_uint(w, wait);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(120, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_datagram(r, &(*reply));
  return 0;
}

BT_API bt_status bt_sockets_local_endpoint(uint32_t socket, bt_endpoint *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, socket);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(121, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_endpoint(r, &(*reply));
  return 0;
}

/** Asks for the event `socket` when there is something to receive or accept. */
BT_API bt_status bt_sockets_notify(uint32_t socket, bool wanted) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, socket);
  bt_write_bool(w, wanted);
  bt_reader reader_, *r = &reader_;
  return bt_call(122, &writer_, r);
}

BT_API bt_status bt_sockets_close(uint32_t socket) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, socket);
  bt_reader reader_, *r = &reader_;
  return bt_call(123, &writer_, r);
}

/** Comes as the event `timer`, once, or again after every `repeat`. */
BT_API bt_status bt_timers_start(uint32_t delay, bt_optional_uint32 repeat, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, delay);
  if (repeat.is_present) {
    bt_write_uint(w, repeat.value);
  } else bt_write_nil(w);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(128, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_timers_cancel(uint32_t timer) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, timer);
  bt_reader reader_, *r = &reader_;
  return bt_call(129, &writer_, r);
}

/** Bytes from the generator of the operating system; at most 65,536. */
BT_API bt_status bt_random_bytes(uint32_t length, bt_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_uint(w, length);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(136, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bin(r);
  return 0;
}

BT_API bt_status bt_clock_now(bt_clock_time *reply) {
  bt_writer writer_ = {0, 0};
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(140, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_clock_time(r, &(*reply));
  return 0;
}

/** Control characters are escaped. Lines over the budget are dropped and counted. */
BT_API bt_status bt_log_write(bt_log_level level, bt_bytes message) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_uint(w, level);
  bt_write_str(w, message);
  bt_reader reader_, *r = &reader_;
  return bt_call(144, &writer_, r);
}

BT_API bt_status bt_kv_get(bt_bytes key, bt_optional_bytes *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_str(w, key);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(152, &writer_, r);
  if (status_ != 0) return status_;
  (*reply).is_present = !bt_read_nil(r);
  if ((*reply).is_present) {
    (*reply).value = bt_read_bin(r);
  }
  return 0;
}

BT_API bt_status bt_kv_set(bt_bytes key, bt_bytes value) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, key);
  bt_write_bin(w, value);
  bt_reader reader_, *r = &reader_;
  return bt_call(153, &writer_, r);
}

/** True when it was there. */
BT_API bt_status bt_kv_delete(bt_bytes key, bool *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_str(w, key);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(154, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_bool(r);
  return 0;
}

/** In the order of the keys' bytes. */
BT_API bt_status bt_kv_list_keys(bt_bytes prefix, bt_optional_bytes after, uint32_t limit, bt_key_page *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, prefix);
  if (after.is_present) {
    bt_write_str(w, after.value);
  } else bt_write_nil(w);
  bt_write_uint(w, limit);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(155, &writer_, r);
  if (status_ != 0) return status_;
  bt_read_key_page(r, &(*reply));
  return 0;
}

/** Sets it if it is `expected` now (absent: if it is not there), else fails with `conflict`. */
BT_API bt_status bt_kv_replace(bt_bytes key, bt_optional_bytes expected, bt_bytes value) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 3);
  bt_write_str(w, key);
  if (expected.is_present) {
    bt_write_bin(w, expected.value);
  } else bt_write_nil(w);
  bt_write_bin(w, value);
  bt_reader reader_, *r = &reader_;
  return bt_call(156, &writer_, r);
}

/** Adds to a counter, a value of eight bytes, big-endian, up to 2^53-1; absent counts as 0. Returns the sum. */
BT_API bt_status bt_kv_increment(bt_bytes key, uint32_t amount, uint64_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 2);
  bt_write_str(w, key);
  bt_write_uint(w, amount);
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(157, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = bt_read_uint(r);
  return 0;
}

BT_API bt_status bt_grants_list_granted(bt_list_of_granted_permission *reply) {
  bt_writer writer_ = {0, 0};
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(168, &writer_, r);
  if (status_ != 0) return status_;
  {
    uint32_t count = bt_read_array(r);
    bt_granted_permission *items = bt_reserve(count * sizeof(bt_granted_permission));
    for (uint32_t i = 0; i < count; i++) {
      bt_read_granted_permission(r, &items[i]);
    }
    (*reply).items = items;
    (*reply).count = count;
  }
  return 0;
}

/** Asks the person for a file or folder; the answer comes as the event `granted`. */
BT_API bt_status bt_grants_ask(const bt_file_question *question, uint32_t *reply) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_file_question(w, &(*question));
  bt_reader reader_, *r = &reader_;
  bt_status status_ = bt_call(169, &writer_, r);
  if (status_ != 0) return status_;
  (*reply) = (uint32_t)bt_read_uint(r);
  return 0;
}

/** Gives a grant back that was asked for at run time. */
BT_API bt_status bt_grants_give_back(bt_bytes name) {
  bt_writer writer_ = bt_write_begin(), *w = &writer_;
  bt_write_array(w, 1);
  bt_write_str(w, name);
  bt_reader reader_, *r = &reader_;
  return bt_call(170, &writer_, r);
}

/* Events: `#define BT_ON_HTTP my_http` before this header is included, and so on. */

#ifdef BT_ON_INIT
/** First event of every run; an error stops the start. */
static void BT_ON_INIT(const bt_launch *launch, bt_bytes *problem);
#endif

#ifdef BT_ON_HTTP
static void BT_ON_HTTP(const bt_incoming_request *request, bt_http_answer *answer);
#endif

#ifdef BT_ON_MESSAGE
static void BT_ON_MESSAGE(const bt_incoming_message *message);
#endif

#ifdef BT_ON_CHANGED
static void BT_ON_CHANGED(const bt_changes *changes);
#endif

#ifdef BT_ON_TIMER
static void BT_ON_TIMER(const bt_tick *tick);
#endif

#ifdef BT_ON_STOP
/** Last event of a run that ends in order; the process ends when it returns or its deadline passes. */
static void BT_ON_STOP(void);
#endif

#ifdef BT_ON_MIGRATE
/** Before `init` of the first run after an upgrade: brings the data of an older version up. An error rolls back. */
static void BT_ON_MIGRATE(uint32_t from_version, bt_bytes *problem);
#endif

#ifdef BT_ON_HEALTH
/** After an upgrade, and when asked. An error after an upgrade rolls back. */
static void BT_ON_HEALTH(bt_bytes *problem);
#endif

#ifdef BT_ON_GRANTED
static void BT_ON_GRANTED(const bt_question_answer *answer);
#endif

#ifdef BT_ON_SOCKET
static void BT_ON_SOCKET(const bt_readiness *readiness);
#endif

__attribute__((export_name("bt_event"))) uint64_t bt_event(uint32_t kind, const uint8_t *data, uint32_t size) {
  if (bt_is_over) bt_top = 0;
  bt_reader reader_ = {data, data + size}, *r = &reader_;
  bt_writer reply = {0, 0}, *w = &reply;
  (void)r, (void)w, (void)kind;
#ifdef BT_ON_INIT
  if (kind == 1) {
    bt_read_array(r);
    bt_launch launch;
    bt_read_launch(r, &launch);
    bt_bytes answer = {0};
    BT_ON_INIT(&launch, &answer);
    reply = bt_write_begin();
    bt_write_array(w, answer.data == 0 ? 1 : 2);
    bt_write_uint(w, answer.data == 0 ? 0 : 1);
    if (answer.data != 0) bt_write_str(w, answer);
  }
#else
  if (kind == 1) {
    reply = bt_write_begin();
    bt_write_array(w, 1);
    bt_write_uint(w, 0);
  }
#endif
#ifdef BT_ON_HTTP
  if (kind == 2) {
    bt_read_array(r);
    bt_incoming_request request;
    bt_read_incoming_request(r, &request);
    bt_http_answer answer = {0};
    BT_ON_HTTP(&request, &answer);
    reply = bt_write_begin();
    bt_write_http_answer(w, &answer);
  }
#endif
#ifdef BT_ON_MESSAGE
  if (kind == 3) {
    bt_read_array(r);
    bt_incoming_message message;
    bt_read_incoming_message(r, &message);
    BT_ON_MESSAGE(&message);
  }
#endif
#ifdef BT_ON_CHANGED
  if (kind == 4) {
    bt_read_array(r);
    bt_changes changes;
    bt_read_changes(r, &changes);
    BT_ON_CHANGED(&changes);
  }
#endif
#ifdef BT_ON_TIMER
  if (kind == 5) {
    bt_read_array(r);
    bt_tick tick;
    bt_read_tick(r, &tick);
    BT_ON_TIMER(&tick);
  }
#endif
#ifdef BT_ON_STOP
  if (kind == 6) {
    BT_ON_STOP();
  }
#endif
#ifdef BT_ON_MIGRATE
  if (kind == 7) {
    bt_read_array(r);
    uint32_t from_version;
    from_version = (uint32_t)bt_read_uint(r);
    bt_bytes answer = {0};
    BT_ON_MIGRATE(from_version, &answer);
    reply = bt_write_begin();
    bt_write_array(w, answer.data == 0 ? 1 : 2);
    bt_write_uint(w, answer.data == 0 ? 0 : 1);
    if (answer.data != 0) bt_write_str(w, answer);
  }
#else
  if (kind == 7) {
    reply = bt_write_begin();
    bt_write_array(w, 1);
    bt_write_uint(w, 0);
  }
#endif
#ifdef BT_ON_HEALTH
  if (kind == 8) {
    bt_bytes answer = {0};
    BT_ON_HEALTH(&answer);
    reply = bt_write_begin();
    bt_write_array(w, answer.data == 0 ? 1 : 2);
    bt_write_uint(w, answer.data == 0 ? 0 : 1);
    if (answer.data != 0) bt_write_str(w, answer);
  }
#else
  if (kind == 8) {
    reply = bt_write_begin();
    bt_write_array(w, 1);
    bt_write_uint(w, 0);
  }
#endif
#ifdef BT_ON_GRANTED
  if (kind == 9) {
    bt_read_array(r);
    bt_question_answer answer;
    bt_read_question_answer(r, &answer);
    BT_ON_GRANTED(&answer);
  }
#endif
#ifdef BT_ON_SOCKET
  if (kind == 10) {
    bt_read_array(r);
    bt_readiness readiness;
    bt_read_readiness(r, &readiness);
    BT_ON_SOCKET(&readiness);
  }
#endif
  bt_is_over = true;
  return (uint64_t)(uintptr_t)reply.data << 32 | reply.size;
}

#endif
