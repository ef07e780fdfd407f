import CFuse3
import Glibc

/// What a request is answered with.
///
/// Sendable as far as memory goes because a reply is made, sent and dropped by one task or one thread.
enum FuseReply: @unchecked Sendable {
  /// An errno; 0 is success without anything to say.
  case error(Int32)
  /// A name's meaning, for LOOKUP, MKNOD, MKDIR, SYMLINK and LINK. Node id 0 says that there is no such name.
  case entry(fuse_entry_param)
  case attributes(stat, validity: Double)
  /// A few bytes: the target of a symbolic link, the value of an attribute.
  case text([UInt8])
  case opened(fuse_file_info, isDirectory: Bool)
  case created(fuse_entry_param, fuse_file_info)
  case written(Int)
  /// The memory stays the caller's.
  case bytes(UnsafeRawBufferPointer)
  /// The first `count` bytes; the buffer goes back to its pool afterwards.
  case buffer(PooledBuffer, count: Int)
  /// READDIRPLUS's answer, and the ids of the nodes in it: the kernel gets a reference to each.
  case listing(PooledBuffer, count: Int, references: [UInt64])
  case statistics(statvfs)
  case attributeSize(Int)
  case lock(flock)

  /// Hands the reply to the kernel and ends the request.
  /// - Returns: 0, or a negative errno: -ENOENT when nobody waits for the reply any more.
  func send(to request: OpaquePointer) -> Int32 {
    switch self {
    case .error(let code): return fuse_reply_err(request, code)
    case .entry(var parameters): return fuse_reply_entry(request, &parameters)
    case .attributes(var status, let validity): return fuse_reply_attr(request, &status, validity)
    case .text(let bytes):
      // The kernel counts the bytes: no terminating NUL is needed.
      return bytes.withUnsafeBytes { Self.send($0, to: request) }
    case .opened(var file, _): return fuse_reply_open(request, &file)
    case .created(var parameters, var file): return fuse_reply_create(request, &parameters, &file)
    case .written(let count): return fuse_reply_write(request, count)
    case .bytes(let bytes): return Self.send(bytes, to: request)
    case .buffer(let buffer, let count), .listing(let buffer, let count, _):
      return Self.send(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]), to: request)
    case .statistics(var statistics): return fuse_reply_statfs(request, &statistics)
    case .attributeSize(let count): return fuse_reply_xattr(request, count)
    case .lock(var lock): return fuse_reply_lock(request, &lock)
    }
  }

  private static func send(_ bytes: UnsafeRawBufferPointer, to request: OpaquePointer) -> Int32 {
    fuse_reply_buf(request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
  }
}
