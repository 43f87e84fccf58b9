#![allow(dead_code)]
#![allow(clippy::all)]

extern crate alloc;
use self::alloc::{boxed::Box, string::String, vec::Vec};

#[link(wasm_import_module = "blocktree")]
extern "C" {
    #[link_name = "call"]
    fn host_call(op: u32, request: *const u8, size: u32) -> u64;
    #[link_name = "take"]
    fn host_take(reply: *mut u8);
}

/// Why an operation failed, and what the node said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub failure: Failure,
    pub explanation: String,
}

pub type Result<T> = core::result::Result<T, Error>;

/// Values in the canonical encoding (doc/spec/20-app-interface.md).
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn new() -> Writer {
        Writer { bytes: Vec::new() }
    }
    fn nil(&mut self) {
        self.bytes.push(0xc0)
    }
    fn bool(&mut self, value: bool) {
        self.bytes.push(if value { 0xc3 } else { 0xc2 })
    }
    fn uint(&mut self, value: u64) {
        if value < 0x80 {
            self.bytes.push(value as u8)
        } else if value <= 0xffff_ffff {
            self.sized(0xcc, value as u32)
        } else {
            self.bytes.push(0xcf);
            self.bytes.extend_from_slice(&value.to_be_bytes())
        }
    }
    fn bin(&mut self, value: &[u8]) {
        self.sized(0xc4, value.len() as u32);
        self.bytes.extend_from_slice(value)
    }
    fn str(&mut self, value: &str) {
        if value.len() < 0x20 {
            self.bytes.push(0xa0 | value.len() as u8)
        } else {
            self.sized(0xd9, value.len() as u32)
        }
        self.bytes.extend_from_slice(value.as_bytes())
    }
    fn array(&mut self, count: usize) {
        if count < 0x10 {
            self.bytes.push(0x90 | count as u8)
        } else {
            self.sized(0xdb, count as u32)
        }
    }
    fn sized(&mut self, head: u8, value: u32) {
        if value < 0x100 && head != 0xdb {
            self.bytes.extend_from_slice(&[head, value as u8])
        } else if value < 0x10000 {
            self.bytes.push(head + 1);
            self.bytes.extend_from_slice(&(value as u16).to_be_bytes())
        } else {
            self.bytes.push(head + 2);
            self.bytes.extend_from_slice(&value.to_be_bytes())
        }
    }
}

/// Traps on bytes that the node never sends.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn nil(&mut self) -> bool {
        if self.bytes.first() != Some(&0xc0) {
            return false;
        }
        self.take(1);
        true
    }
    fn bool(&mut self) -> bool {
        self.byte() == 0xc3
    }
    fn uint(&mut self) -> u64 {
        match self.byte() {
            head if head < 0x80 => head as u64,
            head @ 0xcc..=0xcf => self.big_endian(1 << (head - 0xcc)),
            _ => wrong(),
        }
    }
    fn bin(&mut self) -> Vec<u8> {
        match self.byte() {
            head @ 0xc4..=0xc6 => {
                let size = self.big_endian(1 << (head - 0xc4)) as usize;
                Vec::from(self.take(size))
            }
            _ => wrong(),
        }
    }
    fn str(&mut self) -> String {
        let size = match self.byte() {
            head if head & 0xe0 == 0xa0 => (head & 0x1f) as usize,
            head @ 0xd9..=0xdb => self.big_endian(1 << (head - 0xd9)) as usize,
            _ => wrong(),
        };
        match core::str::from_utf8(self.take(size)) {
            Ok(text) => String::from(text),
            Err(_) => wrong(),
        }
    }
    fn array(&mut self) -> usize {
        match self.byte() {
            head if head & 0xf0 == 0x90 => (head & 0x0f) as usize,
            head @ 0xdc..=0xdd => self.big_endian(1 << (head - 0xdb)) as usize,
            _ => wrong(),
        }
    }
    fn big_endian(&mut self, width: usize) -> u64 {
        self.take(width).iter().fold(0, |value, byte| value << 8 | *byte as u64)
    }
    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }
    fn take(&mut self, size: usize) -> &'a [u8] {
        if size > self.bytes.len() {
            wrong()
        }
        let (taken, rest) = self.bytes.split_at(size);
        self.bytes = rest;
        taken
    }
}

fn wrong() -> ! {
    core::arch::wasm32::unreachable()
}

fn call(op: u32, request: &Writer) -> Result<Vec<u8>> {
    let result = unsafe { host_call(op, request.bytes.as_ptr(), request.bytes.len() as u32) };
    let mut reply = Vec::new();
    reply.resize(result as u32 as usize, 0);
    if !reply.is_empty() {
        unsafe { host_take(reply.as_mut_ptr()) }
    }
    match (result >> 32) as u32 {
        0 => Ok(reply),
        status => Err(Error {
            failure: Failure::of_status(status),
            explanation: if reply.is_empty() { String::new() } else { Reader { bytes: &reply }.str() },
        }),
    }
}

/// What the node filled, and what it reads, until the next event. A module runs in one thread.
static mut INPUT: Vec<u8> = Vec::new();
static mut OUTPUT: Vec<u8> = Vec::new();
static mut APP: Option<Box<dyn App>> = None;

#[no_mangle]
pub extern "C" fn bt_abi_version() -> u32 {
    1
}

#[no_mangle]
pub extern "C" fn bt_alloc(size: u32) -> *mut u8 {
    let mut input = Vec::new();
    input.resize(size as usize, 0);
    let pointer = input.as_mut_ptr();
    unsafe { *core::ptr::addr_of_mut!(INPUT) = input }
    pointer
}

#[no_mangle]
pub extern "C" fn bt_event(kind: u32, _pointer: *const u8, _size: u32) -> u64 {
    let input = unsafe { core::mem::take(&mut *core::ptr::addr_of_mut!(INPUT)) };
    let app = unsafe { &mut *core::ptr::addr_of_mut!(APP) }.get_or_insert_with(|| crate::blocktree_app());
    let output = dispatch(app.as_mut(), kind, &mut Reader { bytes: &input }).bytes;
    let result = (output.as_ptr() as usize as u64) << 32 | output.len() as u64;
    unsafe { *core::ptr::addr_of_mut!(OUTPUT) = output }
    result
}
