// Starts Swagger UI on the service's own OpenAPI document. A file of its own, so that /docs needs no inline script.
window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: document.getElementById("swagger-ui").dataset.specification,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null, // the default one sends the document to somebody else's server
  });
});
