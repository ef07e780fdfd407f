public import RxCore

/// A service at one of our ports: RXAFSCB of the client; VL, RXAFS and PR of the mock cell.
public protocol RxService: Sendable {
  var id: ServiceID { get }

  /// Serves one call: reads the request, sends the reply with `last: true`, or aborts. Runs in a task that serves no
  /// other call meanwhile. A handler that returns without having ended its stream gets it aborted.
  func serve(_ stream: any RxStream, from call: RxIncomingCall) async
}
