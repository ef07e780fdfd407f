import RxCore

/// A call in the driver's table: what wants to hear of its events. Used on the loop only.
protocol DrivenCall: AnyObject {
  /// In-order data, or the end of the peer's stream, can be read.
  func becameReadable(_ driver: RxEndpointDriver)
  /// The endpoint takes bytes again.
  func becameWritable(_ driver: RxEndpointDriver)
  /// The call has ended.
  func completed(_ completion: RxCompletion, _ driver: RxEndpointDriver)
}
