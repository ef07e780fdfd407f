import AFSTypes
import RxCore
import RxTransport

/// As much of a client's callback service as a fileserver wants before it serves us: an old client without a UUID.
struct CallbackService: RxService {
  let id = ServiceID(1)
  /// RXAFSCB_InitCallBackState and RXAFSCB_Probe (OpenAFS src/fsint/afscbint.xg).
  private static let answered: Set<UInt32> = [205, 206]
  /// RXGEN_OPCODE: ask in an older way.
  private static let unknown = AbortCode(-455)

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    guard let request = try? await stream.receive(count: 4), request.count == 4,
      Self.answered.contains(request.reduce(0) { $0 << 8 | UInt32($1) })
    else { return stream.abort(Self.unknown) }
    try? await stream.send([], last: true)
    try? await stream.finish()
  }
}
