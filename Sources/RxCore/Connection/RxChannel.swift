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
  /// Client: the last call before that the server is known to have taken up, and its ending. The server may have missed
  /// our last word, and none of the calls after may ever have reached it.
  private var formerCallNumber = CallNumber.connection
  private var formerEnding = Ending.silent
  /// Client: the server has taken up the latest call. It knows of none before then.
  var isTakenUp = false
  /// Client: the latest call's reply is yet to be acknowledged. The next call here says as much.
  var isFinalAckOwed = false
  /// When a call last ended here: the channel idle for longest is taken first.
  var freeSince: Int64 = 0

  var isFree: Bool { call < 0 }

  /// Client: the number for a new call.
  mutating func begin() -> CallNumber {
    if isTakenUp {
      formerCallNumber = callNumber
      formerEnding = ending
      isTakenUp = false
    }
    callNumber = callNumber.next
    ending = .silent
    isFinalAckOwed = false
    return callNumber
  }

  /// Client: what a straggler of a call before the latest is answered with.
  func ending(of number: CallNumber) -> Ending {
    if number == formerCallNumber { return formerEnding }
    // Its client gave it up before the server had said anything about it, or it would be the former one.
    return number > formerCallNumber && number < callNumber ? .aborted(AbortCode.rxUserAbort.rawValue) : .silent
  }
}
