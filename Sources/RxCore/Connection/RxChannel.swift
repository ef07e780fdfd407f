import AFSTypes

/// One of the four places of a connection where a call can be.
struct RxChannel: BitwiseCopyable {
  /// What a straggler of the latest call is answered with after its end.
  enum Ending: BitwiseCopyable {
    /// Nothing: stragglers are dropped.
    case silent
    /// All was received up to (not with) this packet: stragglers are acknowledged.
    case received(upTo: Seq)
    /// We aborted it: stragglers are aborted again.
    case aborted(Int32)
  }

  /// The number of the latest call, 0 before the first.
  var callNumber = CallNumber(0)
  /// Slab index of the call under way, -1 for none.
  var call = -1
  var ending = Ending.silent
  /// Client: the call before and its ending. Its server may have missed our last word, and the call after may never have
  /// reached it.
  private(set) var formerCallNumber = CallNumber.connection
  private(set) var formerEnding = Ending.silent
  /// Client: the latest call's reply is yet to be acknowledged. The next call here says as much.
  var isFinalAckOwed = false
  /// When a call last ended here: the channel idle for longest is taken first.
  var freeSince: Int64 = 0

  var isFree: Bool { call < 0 }

  /// Client: the number for a new call.
  mutating func begin() -> CallNumber {
    formerCallNumber = callNumber
    formerEnding = ending
    callNumber = callNumber.next
    ending = .silent
    isFinalAckOwed = false
    return callNumber
  }
}
