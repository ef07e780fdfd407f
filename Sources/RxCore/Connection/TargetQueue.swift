import DequeModule

/// What an endpoint knows of one target of its client calls: how many connections lead there, and which calls wait.
struct TargetQueue {
  /// Connections that take calls or would, if they had a free channel.
  var connectionCount = 0
  /// Names of calls that wait for a channel, the first come first.
  var waiting: Deque<UInt64> = []

  var isEmpty: Bool { connectionCount == 0 && waiting.isEmpty }
}
