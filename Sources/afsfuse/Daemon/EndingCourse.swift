/// What an ending signal does, by how far the daemon is.
///
/// The thread that waits for signals asks: whatever the daemon is busy with, impatience is heard.
struct EndingCourse {
  enum Answer: Equatable {
    /// Nothing is mounted yet: the process ends.
    case giveUp
    /// The mount is to end, and what is dirty to be stored.
    case end
    /// The same is under way already: whoever asks once more does not want to wait for servers.
    case exitAtOnce
  }

  private var isMounting = false
  private var isAsked = false

  /// From now on there is something to unmount.
  mutating func mounts() {
    isMounting = true
  }

  mutating func signal() -> Answer {
    guard isMounting else { return .giveUp }
    defer { isAsked = true }
    return isAsked ? .exitAtOnce : .end
  }
}
