/// A lock that a process of this host wants on a file, or gives back.
public struct LockRequest: Hashable, Sendable {
  public enum Style: Hashable, Sendable {
    /// fcntl(2): ranges of bytes, owned by a process. They go with the first close of the file by their owner.
    case record
    /// flock(2): the whole file, owned by an open file description.
    case wholeFile
  }

  public var style: Style
  /// The kernel's name for the owner; of no meaning beyond equality, and only among locks of one style.
  public var owner: UInt64
  /// Told to whoever asks which process is in his way.
  public var processID: Int32
  /// Bytes; `UInt64.max` as upper bound stands for the end of any file. Ignored for whole files.
  public var range: Range<UInt64>
  public var isExclusive: Bool
  /// Wait for others to give theirs back.
  public var waits: Bool

  public init(
    style: Style, owner: UInt64, processID: Int32 = 0, range: Range<UInt64> = 0..<UInt64.max, isExclusive: Bool,
    waits: Bool = false
  ) {
    self.style = style
    self.owner = owner
    self.processID = processID
    self.range = style == .wholeFile ? 0..<UInt64.max : range
    self.isExclusive = isExclusive
    self.waits = waits
  }
}

/// A lock in somebody's way, as F_GETLK shows it.
public struct HeldLock: Hashable, Sendable {
  /// 0 when another host holds it.
  public var processID: Int32
  public var range: Range<UInt64>
  public var isExclusive: Bool

  public init(processID: Int32, range: Range<UInt64>, isExclusive: Bool) {
    self.processID = processID
    self.range = range
    self.isExclusive = isExclusive
  }
}
