//! The host interface blocktree:app@1.0.0 for Rust, over core and alloc. Generated from doc/spec/blocktree.wit; do not edit.
//! The crate root has `pub fn blocktree_app() -> Box<dyn blocktree::App>`.

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

/// Why an operation failed. Its status code is the position here plus one; 0 is success. New ones are only appended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Failure {
    /// No grant covers the call.
    Denied = 1,
    /// Nothing is there under this name or number.
    NotFound = 2,
    /// Something is there already.
    Exists = 3,
    /// It was changed since it was read, or somebody else holds it.
    Conflict = 4,
    /// More bytes or entries than the operation takes.
    TooLarge = 5,
    /// A budget of the app is used up: host calls, bytes, handles, outstanding requests.
    Budget = 6,
    /// The request breaks a rule of the operation.
    Invalid = 7,
    /// Not now; try again later.
    Busy = 8,
    /// The grant was taken back, or the lease ran out.
    Revoked = 9,
    /// The handle is closed, or the other side went away.
    Closed = 10,
    /// The deadline passed.
    Timeout = 11,
    /// The other side cannot be reached.
    Unreachable = 12,
    /// This node does not offer the operation.
    Unsupported = 13,
    /// No room on the disk of the node, or in the quota of the app.
    NoSpace = 14,
    /// The node failed; its log says how.
    Internal = 15,
}

impl Failure {
    fn of_status(status: u32) -> Failure {
        match status {
            1 => Failure::Denied,
            2 => Failure::NotFound,
            3 => Failure::Exists,
            4 => Failure::Conflict,
            5 => Failure::TooLarge,
            6 => Failure::Budget,
            7 => Failure::Invalid,
            8 => Failure::Busy,
            9 => Failure::Revoked,
            10 => Failure::Closed,
            11 => Failure::Timeout,
            12 => Failure::Unreachable,
            13 => Failure::Unsupported,
            14 => Failure::NoSpace,
            15 => Failure::Internal,
            _ => Failure::Internal,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Lower case.
    pub name: String,
    pub value: String,
}

impl Header {
    fn read(r: &mut Reader) -> Header {
        r.array();
        Header {
            name: r.str(),
            value: r.str(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.str(&self.name);
        w.str(&self.value);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EntryKind {
    File = 0,
    Directory = 1,
    Other = 2,
}

impl EntryKind {
    fn read(r: &mut Reader) -> EntryKind {
        match r.uint() {
            0 => EntryKind::File,
            1 => EntryKind::Directory,
            2 => EntryKind::Other,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    pub size: u64,
    pub modified: Option<u64>,
}

impl Entry {
    fn read(r: &mut Reader) -> Entry {
        r.array();
        Entry {
            name: r.str(),
            kind: EntryKind::read(r),
            size: r.uint(),
            modified: if r.nil() { None } else { Some(r.uint()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.str(&self.name);
        self.kind.write(w);
        w.uint(self.size as u64);
        match &self.modified {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct EntryPage {
    pub entries: Vec<Entry>,
    /// Give it as `after` for the next page; absent after the last.
    pub next: Option<String>,
}

impl EntryPage {
    fn read(r: &mut Reader) -> EntryPage {
        r.array();
        EntryPage {
            entries: { let count = r.array(); (0..count).map(|_| Entry::read(r)).collect() },
            next: if r.nil() { None } else { Some(r.str()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.array(self.entries.len());
        for item in self.entries.iter() {
            (*item).write(w);
        }
        match &self.next {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    pub kind: EntryKind,
    pub size: u64,
    pub modified: Option<u64>,
    pub media_type: Option<String>,
    pub block: Vec<u8>,
    /// Counts up with every change; `version` names the change itself.
    pub sequence: u64,
    pub version: Vec<u8>,
    /// Bytes of a sector: reads and writes of whole sectors are the cheapest.
    pub sector_size: u32,
    /// Two writers changed it at once, and one version is shown.
    pub conflict: bool,
}

impl Details {
    fn read(r: &mut Reader) -> Details {
        r.array();
        Details {
            kind: EntryKind::read(r),
            size: r.uint(),
            modified: if r.nil() { None } else { Some(r.uint()) },
            media_type: if r.nil() { None } else { Some(r.str()) },
            block: r.bin(),
            sequence: r.uint(),
            version: r.bin(),
            sector_size: r.uint() as u32,
            conflict: r.bool(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(9);
        self.kind.write(w);
        w.uint(self.size as u64);
        match &self.modified {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        match &self.media_type {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
        w.bin(&self.block);
        w.uint(self.sequence as u64);
        w.bin(&self.version);
        w.uint(self.sector_size as u64);
        w.bool(self.conflict);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OpenMode {
    pub read: bool,
    pub write: bool,
    /// Make the file when it is absent.
    pub create: bool,
    /// Fail with `exists` when it is there.
    pub exclusive: bool,
    /// Begin empty.
    pub truncate: bool,
}

impl OpenMode {
    fn read(r: &mut Reader) -> OpenMode {
        let bits = r.uint();
        OpenMode { read: bits & 1 != 0, write: bits & 2 != 0, create: bits & 4 != 0, exclusive: bits & 8 != 0, truncate: bits & 16 != 0 }
    }
    fn write(&self, w: &mut Writer) {
        w.uint((self.read as u64) << 0 | (self.write as u64) << 1 | (self.create as u64) << 2 | (self.exclusive as u64) << 3 | (self.truncate as u64) << 4)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub handle: u32,
    pub size: u64,
    pub version: Option<Vec<u8>>,
}

impl Opened {
    fn read(r: &mut Reader) -> Opened {
        r.array();
        Opened {
            handle: r.uint() as u32,
            size: r.uint(),
            version: if r.nil() { None } else { Some(r.bin()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(self.handle as u64);
        w.uint(self.size as u64);
        match &self.version {
            None => w.nil(),
            Some(some) => {
                w.bin(&(*some));
            }
        }
    }
}

/// What must be there for a write to succeed, else `conflict`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// Whatever is there is replaced.
    Anything,
    /// Nothing may be there.
    Absent,
    /// This version must be the one shown.
    Version(Vec<u8>),
}

impl Expectation {
    fn read(r: &mut Reader) -> Expectation {
        r.array();
        match r.uint() {
            0 => Expectation::Anything,
            1 => Expectation::Absent,
            2 => Expectation::Version(r.bin()),
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        match self {
            Expectation::Anything => {
                w.array(1);
                w.uint(0);
            }
            Expectation::Absent => {
                w.array(1);
                w.uint(1);
            }
            Expectation::Version(value) => {
                w.array(2);
                w.uint(2);
                w.bin(&(*value));
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct WriteOptions {
    pub expected: Expectation,
    /// Of a lock on the file: a write under an older token than the newest given out fails with `revoked`.
    pub token: Option<u64>,
    pub media_type: Option<String>,
}

impl WriteOptions {
    fn read(r: &mut Reader) -> WriteOptions {
        r.array();
        WriteOptions {
            expected: Expectation::read(r),
            token: if r.nil() { None } else { Some(r.uint()) },
            media_type: if r.nil() { None } else { Some(r.str()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        self.expected.write(w);
        match &self.token {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        match &self.media_type {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct VersionEntry {
    pub version: Vec<u8>,
    pub sequence: u64,
    pub size: Option<u64>,
    pub signer: Vec<u8>,
    pub modified: Option<u64>,
}

impl VersionEntry {
    fn read(r: &mut Reader) -> VersionEntry {
        r.array();
        VersionEntry {
            version: r.bin(),
            sequence: r.uint(),
            size: if r.nil() { None } else { Some(r.uint()) },
            signer: r.bin(),
            modified: if r.nil() { None } else { Some(r.uint()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(5);
        w.bin(&self.version);
        w.uint(self.sequence as u64);
        match &self.size {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        w.bin(&self.signer);
        match &self.modified {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
    }
}

/// Where a message goes to or comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The principal of the node; absent for this one.
    pub node: Option<Vec<u8>>,
    /// The name under which the app is installed there.
    pub app: String,
}

impl Address {
    fn read(r: &mut Reader) -> Address {
        r.array();
        Address {
            node: if r.nil() { None } else { Some(r.bin()) },
            app: r.str(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        match &self.node {
            None => w.nil(),
            Some(some) => {
                w.bin(&(*some));
            }
        }
        w.str(&self.app);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncomingMessage {
    /// Give it to `reply`; absent when no reply is awaited.
    pub reply_handle: Option<u32>,
    pub sender: Address,
    pub topic: String,
    pub content: Vec<u8>,
    /// Of a reply: the number that `send` returned.
    pub in_reply_to: Option<u64>,
}

impl IncomingMessage {
    fn read(r: &mut Reader) -> IncomingMessage {
        r.array();
        IncomingMessage {
            reply_handle: if r.nil() { None } else { Some(r.uint() as u32) },
            sender: Address::read(r),
            topic: r.str(),
            content: r.bin(),
            in_reply_to: if r.nil() { None } else { Some(r.uint()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(5);
        match &self.reply_handle {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        self.sender.write(w);
        w.str(&self.topic);
        w.bin(&self.content);
        match &self.in_reply_to {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub lock: u32,
    pub token: u64,
    /// Renew before it has passed. The lock is released by itself then, and when the app ends.
    pub expires_in: u32,
}

impl Lease {
    fn read(r: &mut Reader) -> Lease {
        r.array();
        Lease {
            lock: r.uint() as u32,
            token: r.uint(),
            expires_in: r.uint() as u32,
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(self.lock as u64);
        w.uint(self.token as u64);
        w.uint(self.expires_in as u64);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChangeKind {
    Created = 0,
    Changed = 1,
    Moved = 2,
    Removed = 3,
    Restored = 4,
    /// Written apart, on two nodes: one version is shown and the other kept (`stat` says `conflict`). What is shown may have changed with it.
    Conflicted = 5,
}

impl ChangeKind {
    fn read(r: &mut Reader) -> ChangeKind {
        match r.uint() {
            0 => ChangeKind::Created,
            1 => ChangeKind::Changed,
            2 => ChangeKind::Moved,
            3 => ChangeKind::Removed,
            4 => ChangeKind::Restored,
            5 => ChangeKind::Conflicted,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub kind: ChangeKind,
    pub path: String,
}

impl Change {
    fn read(r: &mut Reader) -> Change {
        r.array();
        Change {
            kind: ChangeKind::read(r),
            path: r.str(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        self.kind.write(w);
        w.str(&self.path);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    pub watch: u32,
    pub changes: Vec<Change>,
    /// More happened than is told here: read anew what the app depends on.
    pub overrun: bool,
}

impl Changes {
    fn read(r: &mut Reader) -> Changes {
        r.array();
        Changes {
            watch: r.uint() as u32,
            changes: { let count = r.array(); (0..count).map(|_| Change::read(r)).collect() },
            overrun: r.bool(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(self.watch as u64);
        w.array(self.changes.len());
        for item in self.changes.iter() {
            (*item).write(w);
        }
        w.bool(self.overrun);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OutgoingRequest {
    /// Upper case.
    pub method: String,
    /// `http` or `https`. Scheme, host and port decide whether the grant covers it; a header `host` is refused.
    pub url: String,
    pub headers: Vec<Header>,
    pub content: Vec<u8>,
    pub timeout: u32,
    /// Followed while every target is covered by the grant too.
    pub redirects_max: u32,
}

impl OutgoingRequest {
    fn read(r: &mut Reader) -> OutgoingRequest {
        r.array();
        OutgoingRequest {
            method: r.str(),
            url: r.str(),
            headers: { let count = r.array(); (0..count).map(|_| Header::read(r)).collect() },
            content: r.bin(),
            timeout: r.uint() as u32,
            redirects_max: r.uint() as u32,
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(6);
        w.str(&self.method);
        w.str(&self.url);
        w.array(self.headers.len());
        for item in self.headers.iter() {
            (*item).write(w);
        }
        w.bin(&self.content);
        w.uint(self.timeout as u64);
        w.uint(self.redirects_max as u64);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncomingResponse {
    pub status: u32,
    pub headers: Vec<Header>,
    /// What came at once.
    pub content: Vec<u8>,
    /// Where to read the rest; absent when `content` is all of it.
    pub rest: Option<u32>,
}

impl IncomingResponse {
    fn read(r: &mut Reader) -> IncomingResponse {
        r.array();
        IncomingResponse {
            status: r.uint() as u32,
            headers: { let count = r.array(); (0..count).map(|_| Header::read(r)).collect() },
            content: r.bin(),
            rest: if r.nil() { None } else { Some(r.uint() as u32) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.uint(self.status as u64);
        w.array(self.headers.len());
        for item in self.headers.iter() {
            (*item).write(w);
        }
        w.bin(&self.content);
        match &self.rest {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
    }
}

/// A part of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyPart {
    pub content: Vec<u8>,
    /// Nothing follows.
    pub last: bool,
}

impl BodyPart {
    fn read(r: &mut Reader) -> BodyPart {
        r.array();
        BodyPart {
            content: r.bin(),
            last: r.bool(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.bin(&self.content);
        w.bool(self.last);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct IncomingRequest {
    pub request: u32,
    pub method: String,
    /// Decoded and normalised: no `.`, `..` or empty component inside.
    pub path: String,
    /// Without the question mark; absent when there is none.
    pub query: Option<String>,
    pub headers: Vec<Header>,
    /// What has come of the body.
    pub content: Vec<u8>,
    /// More is to be read with `read`.
    pub more: bool,
    /// Of the client, as text, when the grant lets the app see it.
    pub client: Option<String>,
}

impl IncomingRequest {
    fn read(r: &mut Reader) -> IncomingRequest {
        r.array();
        IncomingRequest {
            request: r.uint() as u32,
            method: r.str(),
            path: r.str(),
            query: if r.nil() { None } else { Some(r.str()) },
            headers: { let count = r.array(); (0..count).map(|_| Header::read(r)).collect() },
            content: r.bin(),
            more: r.bool(),
            client: if r.nil() { None } else { Some(r.str()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(8);
        w.uint(self.request as u64);
        w.str(&self.method);
        w.str(&self.path);
        match &self.query {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
        w.array(self.headers.len());
        for item in self.headers.iter() {
            (*item).write(w);
        }
        w.bin(&self.content);
        w.bool(self.more);
        match &self.client {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FileRange {
    pub file: u32,
    pub offset: u64,
    pub length: u64,
}

impl FileRange {
    fn read(r: &mut Reader) -> FileRange {
        r.array();
        FileRange {
            file: r.uint() as u32,
            offset: r.uint(),
            length: r.uint(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(self.file as u64);
        w.uint(self.offset as u64);
        w.uint(self.length as u64);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum ResponseBody {
    Empty,
    Content(Vec<u8>),
    /// The node sends it from an open file; the bytes never enter the app. The node closes the handle.
    File(FileRange),
    /// The app goes on with `write` and ends with `finish`, in this event or a later one.
    Streamed,
}

impl ResponseBody {
    fn read(r: &mut Reader) -> ResponseBody {
        r.array();
        match r.uint() {
            0 => ResponseBody::Empty,
            1 => ResponseBody::Content(r.bin()),
            2 => ResponseBody::File(FileRange::read(r)),
            3 => ResponseBody::Streamed,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        match self {
            ResponseBody::Empty => {
                w.array(1);
                w.uint(0);
            }
            ResponseBody::Content(value) => {
                w.array(2);
                w.uint(1);
                w.bin(&(*value));
            }
            ResponseBody::File(value) => {
                w.array(2);
                w.uint(2);
                (*value).write(w);
            }
            ResponseBody::Streamed => {
                w.array(1);
                w.uint(3);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub status: u32,
    pub headers: Vec<Header>,
    pub body: ResponseBody,
}

impl Response {
    fn read(r: &mut Reader) -> Response {
        r.array();
        Response {
            status: r.uint() as u32,
            headers: { let count = r.array(); (0..count).map(|_| Header::read(r)).collect() },
            body: ResponseBody::read(r),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(3);
        w.uint(self.status as u64);
        w.array(self.headers.len());
        for item in self.headers.iter() {
            (*item).write(w);
        }
        self.body.write(w);
    }
}

/// What an event `http` answers.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpAnswer {
    Now(Response),
    /// Answered by `respond` in a later event.
    Later,
}

impl HttpAnswer {
    fn read(r: &mut Reader) -> HttpAnswer {
        r.array();
        match r.uint() {
            0 => HttpAnswer::Now(Response::read(r)),
            1 => HttpAnswer::Later,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        match self {
            HttpAnswer::Now(value) => {
                w.array(2);
                w.uint(0);
                (*value).write(w);
            }
            HttpAnswer::Later => {
                w.array(1);
                w.uint(1);
            }
        }
    }
}

/// An address as text, or a name that the node resolves.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub host: String,
    pub port: u32,
}

impl Endpoint {
    fn read(r: &mut Reader) -> Endpoint {
        r.array();
        Endpoint {
            host: r.str(),
            port: r.uint() as u32,
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.str(&self.host);
        w.uint(self.port as u64);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ShutdownKind {
    Receive = 0,
    Send = 1,
    Both = 2,
}

impl ShutdownKind {
    fn read(r: &mut Reader) -> ShutdownKind {
        match r.uint() {
            0 => ShutdownKind::Receive,
            1 => ShutdownKind::Send,
            2 => ShutdownKind::Both,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    pub socket: u32,
    pub peer: Endpoint,
}

impl Accepted {
    fn read(r: &mut Reader) -> Accepted {
        r.array();
        Accepted {
            socket: r.uint() as u32,
            peer: Endpoint::read(r),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.socket as u64);
        self.peer.write(w);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub content: Vec<u8>,
    /// The other side sends nothing any more.
    pub last: bool,
}

impl Received {
    fn read(r: &mut Reader) -> Received {
        r.array();
        Received {
            content: r.bin(),
            last: r.bool(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.bin(&self.content);
        w.bool(self.last);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Datagram {
    pub peer: Endpoint,
    pub content: Vec<u8>,
}

impl Datagram {
    fn read(r: &mut Reader) -> Datagram {
        r.array();
        Datagram {
            peer: Endpoint::read(r),
            content: r.bin(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        self.peer.write(w);
        w.bin(&self.content);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadinessKind {
    Readable = 0,
    Acceptable = 1,
    Closed = 2,
}

impl ReadinessKind {
    fn read(r: &mut Reader) -> ReadinessKind {
        match r.uint() {
            0 => ReadinessKind::Readable,
            1 => ReadinessKind::Acceptable,
            2 => ReadinessKind::Closed,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Readiness {
    pub socket: u32,
    pub kind: ReadinessKind,
}

impl Readiness {
    fn read(r: &mut Reader) -> Readiness {
        r.array();
        Readiness {
            socket: r.uint() as u32,
            kind: ReadinessKind::read(r),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.socket as u64);
        self.kind.write(w);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    pub timer: u32,
    /// Ticks of a repeating timer that were left out because the app was busy.
    pub missed: u32,
}

impl Tick {
    fn read(r: &mut Reader) -> Tick {
        r.array();
        Tick {
            timer: r.uint() as u32,
            missed: r.uint() as u32,
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.timer as u64);
        w.uint(self.missed as u64);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ClockTime {
    pub now: u64,
    /// Microseconds since the app was started; never goes back.
    pub monotonic: u64,
}

impl ClockTime {
    fn read(r: &mut Reader) -> ClockTime {
        r.array();
        ClockTime {
            now: r.uint(),
            monotonic: r.uint(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.now as u64);
        w.uint(self.monotonic as u64);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LogLevel {
    Debug = 0,
    Info = 1,
    Warning = 2,
    Error = 3,
}

impl LogLevel {
    fn read(r: &mut Reader) -> LogLevel {
        match r.uint() {
            0 => LogLevel::Debug,
            1 => LogLevel::Info,
            2 => LogLevel::Warning,
            3 => LogLevel::Error,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct KeyPage {
    pub keys: Vec<String>,
    /// Give it as `after` for the next page; absent after the last.
    pub next: Option<String>,
}

impl KeyPage {
    fn read(r: &mut Reader) -> KeyPage {
        r.array();
        KeyPage {
            keys: { let count = r.array(); (0..count).map(|_| r.str()).collect() },
            next: if r.nil() { None } else { Some(r.str()) },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.array(self.keys.len());
        for item in self.keys.iter() {
            w.str(&(*item));
        }
        match &self.next {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PermissionKind {
    Files = 0,
    Messages = 1,
    HttpClient = 2,
    HttpServer = 3,
    Sockets = 4,
}

impl PermissionKind {
    fn read(r: &mut Reader) -> PermissionKind {
        match r.uint() {
            0 => PermissionKind::Files,
            1 => PermissionKind::Messages,
            2 => PermissionKind::HttpClient,
            3 => PermissionKind::HttpServer,
            4 => PermissionKind::Sockets,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FileRights {
    pub read: bool,
    pub write: bool,
    pub create: bool,
    pub list: bool,
    pub remove: bool,
    pub lock: bool,
}

impl FileRights {
    fn read(r: &mut Reader) -> FileRights {
        let bits = r.uint();
        FileRights { read: bits & 1 != 0, write: bits & 2 != 0, create: bits & 4 != 0, list: bits & 8 != 0, remove: bits & 16 != 0, lock: bits & 32 != 0 }
    }
    fn write(&self, w: &mut Writer) {
        w.uint((self.read as u64) << 0 | (self.write as u64) << 1 | (self.create as u64) << 2 | (self.list as u64) << 3 | (self.remove as u64) << 4 | (self.lock as u64) << 5)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ObjectKind {
    Folder = 0,
    File = 1,
}

impl ObjectKind {
    fn read(r: &mut Reader) -> ObjectKind {
        match r.uint() {
            0 => ObjectKind::Folder,
            1 => ObjectKind::File,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct GrantedPermission {
    /// The name in the manifest, or the one given to `ask`; of a files permission also the first component of its paths.
    pub name: String,
    pub kind: PermissionKind,
    /// Of a files permission.
    pub rights: FileRights,
    /// Asked for at run time.
    pub asked: bool,
}

impl GrantedPermission {
    fn read(r: &mut Reader) -> GrantedPermission {
        r.array();
        GrantedPermission {
            name: r.str(),
            kind: PermissionKind::read(r),
            rights: FileRights::read(r),
            asked: r.bool(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.str(&self.name);
        self.kind.write(w);
        self.rights.write(w);
        w.bool(self.asked);
    }
}

/// The person picks the object; the app names none.
#[derive(Debug, Clone, PartialEq)]
pub struct FileQuestion {
    /// Under which name the grant is to be used: lower-case letters, digits and hyphens.
    pub name: String,
    pub object: ObjectKind,
    pub rights: FileRights,
    /// Shown to the person as the app's own words.
    pub reason: String,
}

impl FileQuestion {
    fn read(r: &mut Reader) -> FileQuestion {
        r.array();
        FileQuestion {
            name: r.str(),
            object: ObjectKind::read(r),
            rights: FileRights::read(r),
            reason: r.str(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(4);
        w.str(&self.name);
        self.object.write(w);
        self.rights.write(w);
        w.str(&self.reason);
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum QuestionOutcome {
    /// May be used at once, under the name that was asked for.
    Granted,
    Declined,
    /// Nobody answered in time.
    Unanswered,
}

impl QuestionOutcome {
    fn read(r: &mut Reader) -> QuestionOutcome {
        r.array();
        match r.uint() {
            0 => QuestionOutcome::Granted,
            1 => QuestionOutcome::Declined,
            2 => QuestionOutcome::Unanswered,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        match self {
            QuestionOutcome::Granted => {
                w.array(1);
                w.uint(0);
            }
            QuestionOutcome::Declined => {
                w.array(1);
                w.uint(1);
            }
            QuestionOutcome::Unanswered => {
                w.array(1);
                w.uint(2);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct QuestionAnswer {
    pub question: u32,
    pub outcome: QuestionOutcome,
}

impl QuestionAnswer {
    fn read(r: &mut Reader) -> QuestionAnswer {
        r.array();
        QuestionAnswer {
            question: r.uint() as u32,
            outcome: QuestionOutcome::read(r),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(2);
        w.uint(self.question as u64);
        self.outcome.write(w);
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StartReason {
    Installed = 0,
    Started = 1,
    Upgraded = 2,
    RestartedAfterFailure = 3,
}

impl StartReason {
    fn read(r: &mut Reader) -> StartReason {
        match r.uint() {
            0 => StartReason::Installed,
            1 => StartReason::Started,
            2 => StartReason::Upgraded,
            3 => StartReason::RestartedAfterFailure,
            _ => wrong(),
        }
    }
    fn write(&self, w: &mut Writer) {
        w.uint(*self as u64)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    pub reason: StartReason,
    pub version: u32,
    /// The name under which the app is installed here.
    pub installation: String,
    pub granted: Vec<GrantedPermission>,
}

impl Launch {
    fn read(r: &mut Reader) -> Launch {
        r.array();
        Launch {
            reason: StartReason::read(r),
            version: r.uint() as u32,
            installation: r.str(),
            granted: { let count = r.array(); (0..count).map(|_| GrantedPermission::read(r)).collect() },
        }
    }
    fn write(&self, w: &mut Writer) {
        w.array(4);
        self.reason.write(w);
        w.uint(self.version as u64);
        w.str(&self.installation);
        w.array(self.granted.len());
        for item in self.granted.iter() {
            (*item).write(w);
        }
    }
}

/// Files and the blocks they are made of.
pub mod files {
    use super::*;

    /// Reads a range of a file in one call.
    pub fn read_file(path: &str, offset: u64, length: u32) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&path);
        w.uint(offset as u64);
        w.uint(length as u64);
        let bytes = call(1, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bin())
    }

    /// Writes a whole file in one call; durable when it returns. The version is the new one.
    pub fn write_file(path: &str, content: &[u8], options: &WriteOptions) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&path);
        w.bin(&content);
        options.write(w);
        let bytes = call(2, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bin())
    }

    pub fn open(path: &str, mode: &OpenMode) -> Result<Opened> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&path);
        mode.write(w);
        let bytes = call(3, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Opened::read(r))
    }

    /// Opens an older version for reading.
    pub fn open_version(path: &str, version: &[u8]) -> Result<Opened> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&path);
        w.bin(&version);
        let bytes = call(4, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Opened::read(r))
    }

    /// Fewer bytes than asked for only at the end of the file.
    pub fn read(handle: u32, offset: u64, length: u32) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.uint(handle as u64);
        w.uint(offset as u64);
        w.uint(length as u64);
        let bytes = call(5, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bin())
    }

    /// Kept with the handle until `commit`. Beyond the end the gap reads as zeros.
    pub fn write(handle: u32, offset: u64, content: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.uint(handle as u64);
        w.uint(offset as u64);
        w.bin(&content);
        call(6, &writer).map(|_| ())
    }

    pub fn set_size(handle: u32, size: u64) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(handle as u64);
        w.uint(size as u64);
        call(7, &writer).map(|_| ())
    }

    /// Makes all that was written through the handle one new version; durable when it returns.
    pub fn commit(handle: u32, options: &WriteOptions) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(handle as u64);
        options.write(w);
        let bytes = call(8, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bin())
    }

    /// Writes that were not committed are dropped.
    pub fn close(handle: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(handle as u64);
        call(9, &writer).map(|_| ())
    }

    pub fn create_directory(path: &str) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.str(&path);
        call(10, &writer).map(|_| ())
    }

    /// In the order of the names' bytes.
    pub fn list_directory(path: &str, after: Option<&str>, limit: u32) -> Result<EntryPage> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&path);
        match &after {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
        w.uint(limit as u64);
        let bytes = call(11, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(EntryPage::read(r))
    }

    pub fn stat(path: &str) -> Result<Details> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.str(&path);
        let bytes = call(12, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Details::read(r))
    }

    /// A file, or an empty directory; with `recursive` whatever is in it.
    pub fn remove(path: &str, recursive: bool, expected: &Expectation) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&path);
        w.bool(recursive);
        expected.write(w);
        call(13, &writer).map(|_| ())
    }

    /// Within one grant. Needs the rights `remove` and `create`.
    pub fn move_entry(source: &str, target: &str) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&source);
        w.str(&target);
        call(14, &writer).map(|_| ())
    }

    /// Newest first.
    pub fn history(path: &str, limit: u32) -> Result<Vec<VersionEntry>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&path);
        w.uint(limit as u64);
        let bytes = call(15, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok({ let count = r.array(); (0..count).map(|_| VersionEntry::read(r)).collect() })
    }
}

/// Messages to and from other apps, on this node or another.
pub mod messages {
    use super::*;

    /// Queues a message; it is delivered at most once. Returns its number.
    pub fn send(recipient: &Address, topic: &str, content: &[u8], reply_within: Option<u32>) -> Result<u64> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(4);
        recipient.write(w);
        w.str(&topic);
        w.bin(&content);
        match &reply_within {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        let bytes = call(32, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint())
    }

    pub fn reply(message: u32, content: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(message as u64);
        w.bin(&content);
        call(33, &writer).map(|_| ())
    }
}

/// Exclusive locks on files, as leases with fencing tokens.
pub mod locks {
    use super::*;

    /// Waits up to `wait`, then fails with `conflict`.
    pub fn acquire(path: &str, ttl: u32, wait: u32) -> Result<Lease> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&path);
        w.uint(ttl as u64);
        w.uint(wait as u64);
        let bytes = call(48, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Lease::read(r))
    }

    /// Fails with `revoked` when the lease has run out.
    pub fn renew(lock: u32, ttl: u32) -> Result<Lease> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(lock as u64);
        w.uint(ttl as u64);
        let bytes = call(49, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Lease::read(r))
    }

    pub fn release(lock: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(lock as u64);
        call(50, &writer).map(|_| ())
    }
}

/// Being told about changes.
pub mod watch {
    use super::*;

    /// Changes come as the event `changed`.
    pub fn start(path: &str, recursive: bool) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&path);
        w.bool(recursive);
        let bytes = call(64, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    pub fn end(watch: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(watch as u64);
        call(65, &writer).map(|_| ())
    }
}

/// HTTP requests to other servers.
pub mod http_client {
    use super::*;

    pub fn request(request: &OutgoingRequest) -> Result<IncomingResponse> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        request.write(w);
        let bytes = call(80, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(IncomingResponse::read(r))
    }

    pub fn read(rest: u32, length: u32) -> Result<BodyPart> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(rest as u64);
        w.uint(length as u64);
        let bytes = call(81, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(BodyPart::read(r))
    }

    pub fn close(rest: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(rest as u64);
        call(82, &writer).map(|_| ())
    }
}

/// HTTP requests that the app answers. They come as the event `http`.
pub mod http_server {
    use super::*;

    /// More of a request's body.
    pub fn read(request: u32, length: u32) -> Result<BodyPart> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(request as u64);
        w.uint(length as u64);
        let bytes = call(96, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(BodyPart::read(r))
    }

    /// Answers a request whose event was answered with `later`, or early, from within the event; the event's own answer is then `later`.
    pub fn respond(request: u32, response: &Response) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(request as u64);
        response.write(w);
        call(97, &writer).map(|_| ())
    }

    /// More of a streamed body. Waits while the client takes it slowly; `closed` when it is gone.
    pub fn write(request: u32, content: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(request as u64);
        w.bin(&content);
        call(98, &writer).map(|_| ())
    }

    /// Ends a streamed body.
    pub fn finish(request: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(request as u64);
        call(99, &writer).map(|_| ())
    }
}

/// Sockets, shaped after wasi:sockets. Every one needs an explicit grant.
pub mod sockets {
    use super::*;

    pub fn tcp_connect(remote: &Endpoint, timeout: u32) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        remote.write(w);
        w.uint(timeout as u64);
        let bytes = call(112, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    pub fn tcp_listen(local: &Endpoint) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        local.write(w);
        let bytes = call(113, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    /// Fails with `timeout` when nobody came.
    pub fn accept(listener: u32, wait: u32) -> Result<Accepted> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(listener as u64);
        w.uint(wait as u64);
        let bytes = call(114, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Accepted::read(r))
    }

    pub fn send(socket: u32, content: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(socket as u64);
        w.bin(&content);
        call(115, &writer).map(|_| ())
    }

    /// Fails with `timeout` when nothing came.
    pub fn receive(socket: u32, length: u32, wait: u32) -> Result<Received> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.uint(socket as u64);
        w.uint(length as u64);
        w.uint(wait as u64);
        let bytes = call(116, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Received::read(r))
    }

    pub fn shutdown(socket: u32, kind: &ShutdownKind) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(socket as u64);
        kind.write(w);
        call(117, &writer).map(|_| ())
    }

    pub fn udp_bind(local: &Endpoint) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        local.write(w);
        let bytes = call(118, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    pub fn udp_send(socket: u32, datagram: &Datagram) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(socket as u64);
        datagram.write(w);
        call(119, &writer).map(|_| ())
    }

    pub fn udp_receive(socket: u32, wait: u32) -> Result<Datagram> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(socket as u64);
        w.uint(wait as u64);
        let bytes = call(120, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Datagram::read(r))
    }

    pub fn local_endpoint(socket: u32) -> Result<Endpoint> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(socket as u64);
        let bytes = call(121, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(Endpoint::read(r))
    }

    /// Asks for the event `socket` when there is something to receive or accept.
    pub fn notify(socket: u32, wanted: bool) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(socket as u64);
        w.bool(wanted);
        call(122, &writer).map(|_| ())
    }

    pub fn close(socket: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(socket as u64);
        call(123, &writer).map(|_| ())
    }
}

pub mod timers {
    use super::*;

    /// Comes as the event `timer`, once, or again after every `repeat`.
    pub fn start(delay: u32, repeat: Option<u32>) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.uint(delay as u64);
        match &repeat {
            None => w.nil(),
            Some(some) => {
                w.uint((*some) as u64);
            }
        }
        let bytes = call(128, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    pub fn cancel(timer: u32) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(timer as u64);
        call(129, &writer).map(|_| ())
    }
}

pub mod random {
    use super::*;

    /// Bytes from the generator of the operating system; at most 65,536.
    pub fn bytes(length: u32) -> Result<Vec<u8>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.uint(length as u64);
        let bytes = call(136, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bin())
    }
}

pub mod clock {
    use super::*;

    pub fn now() -> Result<ClockTime> {
        let writer = Writer::new();
        let bytes = call(140, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(ClockTime::read(r))
    }
}

/// Lines in the app's log, which the person reads with `blocktree app logs`.
pub mod log {
    use super::*;

    /// Control characters are escaped. Lines over the budget are dropped and counted.
    pub fn write(level: &LogLevel, message: &str) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        level.write(w);
        w.str(&message);
        call(144, &writer).map(|_| ())
    }
}

/// A small private store of values, of this installation alone. It goes with the app's data into snapshots and backups.
pub mod kv {
    use super::*;

    pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.str(&key);
        let bytes = call(152, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(if r.nil() { None } else { Some(r.bin()) })
    }

    pub fn set(key: &str, value: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&key);
        w.bin(&value);
        call(153, &writer).map(|_| ())
    }

    /// True when it was there.
    pub fn delete(key: &str) -> Result<bool> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.str(&key);
        let bytes = call(154, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.bool())
    }

    /// In the order of the keys' bytes.
    pub fn list_keys(prefix: &str, after: Option<&str>, limit: u32) -> Result<KeyPage> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&prefix);
        match &after {
            None => w.nil(),
            Some(some) => {
                w.str(&(*some));
            }
        }
        w.uint(limit as u64);
        let bytes = call(155, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(KeyPage::read(r))
    }

    /// Sets it if it is `expected` now (absent: if it is not there), else fails with `conflict`.
    pub fn replace(key: &str, expected: Option<&[u8]>, value: &[u8]) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(3);
        w.str(&key);
        match &expected {
            None => w.nil(),
            Some(some) => {
                w.bin(&(*some));
            }
        }
        w.bin(&value);
        call(156, &writer).map(|_| ())
    }

    /// Adds to a counter, a value of eight bytes, big-endian, up to 2^53-1; absent counts as 0. Returns the sum.
    pub fn increment(key: &str, amount: u32) -> Result<u64> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(2);
        w.str(&key);
        w.uint(amount as u64);
        let bytes = call(157, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint())
    }
}

/// What the app may do, and asking for more.
pub mod grants {
    use super::*;

    pub fn list_granted() -> Result<Vec<GrantedPermission>> {
        let writer = Writer::new();
        let bytes = call(168, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok({ let count = r.array(); (0..count).map(|_| GrantedPermission::read(r)).collect() })
    }

    /// Asks the person for a file or folder; the answer comes as the event `granted`.
    pub fn ask(question: &FileQuestion) -> Result<u32> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        question.write(w);
        let bytes = call(169, &writer)?;
        let r = &mut Reader { bytes: &bytes };
        Ok(r.uint() as u32)
    }

    /// Gives a grant back that was asked for at run time.
    pub fn give_back(name: &str) -> Result<()> {
        let mut writer = Writer::new();
        let w = &mut writer;
        w.array(1);
        w.str(&name);
        call(170, &writer).map(|_| ())
    }
}

/// What the node calls.
pub trait App {
    /// First event of every run; an error stops the start.
    fn init(&mut self, _launch: Launch) -> core::result::Result<(), String> { Ok(()) }
    fn http(&mut self, _request: IncomingRequest) -> HttpAnswer { HttpAnswer::Now(Response { status: 404, headers: Vec::new(), body: ResponseBody::Empty }) }
    fn message(&mut self, _message: IncomingMessage) {}
    fn changed(&mut self, _changes: Changes) {}
    fn timer(&mut self, _tick: Tick) {}
    /// Last event of a run that ends in order; the process ends when it returns or its deadline passes.
    fn stop(&mut self) {}
    /// Before `init` of the first run after an upgrade: brings the data of an older version up. An error rolls back.
    fn migrate(&mut self, _from_version: u32) -> core::result::Result<(), String> { Ok(()) }
    /// After an upgrade, and when asked. An error after an upgrade rolls back.
    fn health(&mut self) -> core::result::Result<(), String> { Ok(()) }
    fn granted(&mut self, _answer: QuestionAnswer) {}
    fn socket(&mut self, _readiness: Readiness) {}
}

fn dispatch(app: &mut dyn App, kind: u32, r: &mut Reader) -> Writer {
    let mut writer = Writer::new();
    let w = &mut writer;
    match kind {
        1 => {
            r.array();
            let launch = Launch::read(r);
            let answer = app.init(launch);
            match &answer {
                Ok(_) => {
                    w.array(1);
                    w.uint(0);
                }
                Err(problem) => {
                    w.array(2);
                    w.uint(1);
                    w.str(problem);
                }
            }
        }
        2 => {
            r.array();
            let request = IncomingRequest::read(r);
            let answer = app.http(request);
            answer.write(w);
        }
        3 => {
            r.array();
            let message = IncomingMessage::read(r);
            app.message(message);
        }
        4 => {
            r.array();
            let changes = Changes::read(r);
            app.changed(changes);
        }
        5 => {
            r.array();
            let tick = Tick::read(r);
            app.timer(tick);
        }
        6 => {
            app.stop();
        }
        7 => {
            r.array();
            let from_version = r.uint() as u32;
            let answer = app.migrate(from_version);
            match &answer {
                Ok(_) => {
                    w.array(1);
                    w.uint(0);
                }
                Err(problem) => {
                    w.array(2);
                    w.uint(1);
                    w.str(problem);
                }
            }
        }
        8 => {
            let answer = app.health();
            match &answer {
                Ok(_) => {
                    w.array(1);
                    w.uint(0);
                }
                Err(problem) => {
                    w.array(2);
                    w.uint(1);
                    w.str(problem);
                }
            }
        }
        9 => {
            r.array();
            let answer = QuestionAnswer::read(r);
            app.granted(answer);
        }
        10 => {
            r.array();
            let readiness = Readiness::read(r);
            app.socket(readiness);
        }
        _ => {}
    }
    writer
}
