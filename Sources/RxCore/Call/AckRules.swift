/// How soon an endpoint acknowledges, from its configuration.
struct AckRules: BitwiseCopyable {
  var requestedDelay: Duration
  var softDelay: Duration
  var idleDelay: Duration

  init(_ configuration: RxEndpointConfiguration) {
    requestedDelay = configuration.requestedAckDelay
    softDelay = configuration.softAckDelay
    idleDelay = configuration.idleAckDelay
  }
}
