import CFuse3

/// What is agreed with the kernel at the start of a session.
enum Capabilities {
  /// Wanted where the kernel offers it.
  private static let wanted: UInt32 =
    capability(FUSE_CAP_ASYNC_READ) | capability(FUSE_CAP_ATOMIC_O_TRUNC) | capability(FUSE_CAP_PARALLEL_DIROPS)
    | capability(FUSE_CAP_READDIRPLUS) | capability(FUSE_CAP_CACHE_SYMLINKS)
    // Locks exclude other hosts too.
    | capability(FUSE_CAP_POSIX_LOCKS) | capability(FUSE_CAP_FLOCK_LOCKS)
    // The kernel drops pages when we say so: not at each new time of modification that it sees.
    | capability(FUSE_CAP_EXPLICIT_INVAL_DATA)

  // Left out, and why:
  // READDIRPLUS_AUTO: `ls -l` after `find` would look up each name (measured: 97 instead of 16 ms for 10,000).
  // AUTO_INVAL_DATA: see above; it takes precedence over EXPLICIT_INVAL_DATA.
  // WRITEBACK_CACHE: the kernel would ignore the server's sizes and times.
  // ASYNC_DIO: a reader with O_DIRECT would wait beyond the reach of any signal.
  // SPLICE_*: copying is faster with requests of 1 MiB (measured).
  // EXPORT_SUPPORT: needs nodes that can be found again by number alone.
  // POSIX_ACL, DONT_MASK: AFS has access lists of its own; the umask applies as everywhere.

  /// Requests of the kernel's own (read-ahead, mostly) in flight at a time; its default is 12, too few to keep
  /// several fileserver calls busy.
  private static let backgroundMax: UInt32 = 64

  static func negotiate(_ connection: UnsafeMutablePointer<fuse_conn_info>) {
    connection.pointee.want = wanted & connection.pointee.capable
    connection.pointee.max_background = backgroundMax
    connection.pointee.congestion_threshold = backgroundMax * 3 / 4
    connection.pointee.time_gran = 1
  }

  private static func capability(_ bit: Int32) -> UInt32 { UInt32(bitPattern: bit) }
}
