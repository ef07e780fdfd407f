import CFuse3
import Glibc
import Synchronization

/// Adds to the reply of INIT what libfuse 3.14 does not know: FUSE_HANDLE_KILLPRIV_V2.
///
/// Without it the kernel asks for the attribute `security.capability` before each write, a second request for each
/// one. With it the file system takes away set-user-id bits when a file is written; AFS fileservers do so in
/// StoreData.
///
/// libfuse's custom I/O lets us see each message; only the first request and its reply are of interest.
enum InitReply {
  /// fuse_in_header: length, opcode, unique, ... 40 bytes; fuse_init_in: major, minor, max_readahead, flags
  /// (linux/fuse.h).
  private static let opcodeOffset = 4
  private static let uniqueOffset = 8
  private static let requestFlagsOffset = 40 + 12
  /// fuse_init_out: major, minor, max_readahead, flags.
  private static let replyFlagsOffset = 12
  private static let opcodeInit: UInt32 = 26
  private static let handleKillprivV2: UInt32 = 1 << 28

  /// The hooks, for `fuse_session_custom_io`, which copies them.
  nonisolated static func hooks() -> fuse_custom_io {
    var hooks = fuse_custom_io()
    hooks.read = { device, buffer, size, session in
      let count = read(device, buffer, size)
      if count > InitReply.requestFlagsOffset + 4, let buffer, let session {
        InitReply.note(UnsafeRawBufferPointer(start: buffer, count: count), session)
      }
      return count
    }
    hooks.writev = { device, vectors, count, session in
      if count >= 2, let vectors, let session {
        InitReply.amend(UnsafeBufferPointer(start: vectors, count: Int(count)), session)
      }
      return writev(device, vectors, count)
    }
    return hooks
  }

  /// The unique of the INIT request while its reply is due; 0 otherwise.
  final class Pending: Sendable {
    fileprivate let unique = Atomic<UInt64>(0)
  }

  private static func note(_ request: UnsafeRawBufferPointer, _ session: UnsafeMutableRawPointer) {
    guard request.loadUnaligned(fromByteOffset: opcodeOffset, as: UInt32.self) == opcodeInit,
      request.loadUnaligned(fromByteOffset: requestFlagsOffset, as: UInt32.self) & handleKillprivV2 != 0
    else { return }
    let unique = request.loadUnaligned(fromByteOffset: uniqueOffset, as: UInt64.self)
    FuseSession.of(userData: session).pendingInit.unique.store(unique, ordering: .releasing)
  }

  private static func amend(_ vectors: UnsafeBufferPointer<iovec>, _ session: UnsafeMutableRawPointer) {
    let pending = FuseSession.of(userData: session).pendingInit
    let unique = pending.unique.load(ordering: .relaxed)
    guard unique != 0, let header = vectors[0].iov_base, vectors[0].iov_len >= 16,
      header.loadUnaligned(fromByteOffset: uniqueOffset, as: UInt64.self) == unique,
      let reply = vectors[1].iov_base, vectors[1].iov_len >= replyFlagsOffset + 4
    else { return }
    pending.unique.store(0, ordering: .relaxed)
    let flags = reply.loadUnaligned(fromByteOffset: replyFlagsOffset, as: UInt32.self)
    reply.storeBytes(of: flags | handleKillprivV2, toByteOffset: replyFlagsOffset, as: UInt32.self)
  }
}
